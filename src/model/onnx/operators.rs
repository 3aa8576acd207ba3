//! The table of supported operators.

use super::attributes::{
    AVERAGE_POOL, CAST, CLASSIFIER, CLIP, CONSTANT, CONV, DEPTH, DROPOUT, GEMM, LIKE, MAX_POOL, NORM, PAD, PARTS,
    REDUCTION, REGRESSOR, SCALER, SLICE, SPLIT, SQUEEZE, SUM, SVM_CLASSIFIER, SVM_REGRESSOR, float, int, ints, other,
};
use super::call::{Call, Value};
use super::importer::Importer;
use super::kinds::Kind;
use super::operator::{ANY, NEWEST, OLDEST, Operator, operator};
use super::proto;
use super::rules::{Rule, check_range};
use super::{
    activations, advice, blocks, choices, einsum, elementwise, ends, faced, integers, join, layers, layout, ml, pad,
    pick, reductions, rounded, single, smooth, turned, windows,
};
use crate::model::ModelError;

const REDUCED: &str = "of values, over named axes but the batch";
const GENERAL: &str = "α·u·c + β·d, transA 0; d may be a value";
const POWER: &str = "of values to the constant 2";
const NESTED: &str = "stored places of one index each, of the first axis, not along the batch";
const COMPARED: &str = "of values of one shape and constants, for Where";

/// All of them.
pub(super) static OPERATORS: &[Operator] = &[
    operator("Abs", 1..=1, &[], Rule::Floats, activations::abs, "of values and constants"),
    operator("Add", 2..=2, &[], Rule::Numbers, elementwise::add, "u + v, u + c, c + d, i + j"),
    operator("ArrayFeatureExtractor", 2..=2, &[], Rule::Shaped, ml::columns, "of [N, C], stored columns").of_ml(),
    operator(
        "AveragePool",
        1..=1,
        AVERAGE_POOL,
        Rule::Floats,
        windows::average_pool,
        "over one axis or two behind the channels, not dilated; not ceil_mode with count_include_pad",
    ),
    operator(
        "BatchNormalization",
        5..=5,
        NORM,
        Rule::Floats,
        layers::batch_normalization,
        "inference over axis 1, one output: a·u + b, a and b rounded once to float32",
    ),
    operator(
        "Cast",
        1..=1,
        CAST,
        Rule::Named,
        integers::cast,
        "where nothing is rounded: values to float32, constants between types that hold them",
    ),
    operator("CastLike", 2..=2, LIKE, Rule::Like, integers::cast, "as Cast").within(15, NEWEST),
    operator("Celu", 1..=1, &[float("alpha")], Rule::Singles, smooth::celu, "of values, alpha > 0").within(12, NEWEST),
    operator(
        "Clip",
        1..=3,
        CLIP,
        Rule::Floats,
        activations::clip,
        "between constant scalars, the lower one not above the upper one",
    ),
    operator(
        "Concat",
        1..=ANY,
        &[int("axis")],
        Rule::One,
        join::concat,
        "of values along any axis but the batch; of constants; of lists",
    ),
    operator("Constant", 0..=0, CONSTANT, Rule::Named, join::constant, "exactly one attribute"),
    operator(
        "ConstantOfShape",
        1..=1,
        &[other("value", proto::ATTRIBUTE_TENSOR)],
        Rule::Named,
        join::constant_of_shape,
        "of fixed sizes, or [N, …]",
    ),
    operator(
        "Conv",
        2..=3,
        CONV,
        Rule::Floats,
        windows::conv,
        "over one axis or two behind the channels, weights and bias constant",
    ),
    operator("DepthToSpace", 1..=1, DEPTH, Rule::Floats, blocks::depth_to_space, "of [N, C, H, W], mode DCR or CRD"),
    operator("Div", 2..=2, &[], Rule::Numbers, elementwise::div, "u/c without zeros in c; c/d; i/j truncated"),
    operator(
        "Dropout",
        1..=3,
        DROPOUT,
        Rule::Dropout,
        join::dropout,
        "inference; ratio and mode stored in the file; the mask must not be used",
    ),
    operator(
        "Einsum",
        2..=2,
        &[other("equation", proto::ATTRIBUTE_STRING)],
        Rule::Floats,
        einsum::einsum,
        "u [N, K] times a constant of one or two axes: equations as bi,oi->bo",
    )
    .within(12, NEWEST),
    operator("Elu", 1..=1, &[float("alpha")], Rule::Floats, smooth::elu, "of values, 0 ≤ alpha ≤ 1"),
    operator("Equal", 2..=2, &[], Rule::Equal, integers::equal, "of integers"),
    operator(
        "Expand",
        2..=2,
        &[],
        Rule::Spread,
        join::expand,
        "of constants, of floats also to [N, …]; of values along axes of size 1",
    ),
    operator("Flatten", 1..=1, &[int("axis")], Rule::One, layout::flatten, "the batch axis stays"),
    operator("Gather", 2..=2, &[int("axis")], Rule::Indexed, pick::gather, "stored indices, not along the batch"),
    operator("Gemm", 3..=3, GEMM, Rule::Floats, layers::gemm, GENERAL).within(OLDEST, 10),
    operator("Gemm", 2..=3, GEMM, Rule::Floats, layers::gemm, GENERAL).within(11, NEWEST),
    operator("GatherND", 2..=2, &[int("batch_dims").since(12)], Rule::Indexed, pick::gather_nd, NESTED)
        .within(11, NEWEST),
    operator(
        "GlobalAveragePool",
        1..=1,
        &[],
        Rule::Floats,
        windows::global_average_pool,
        "over one axis or two behind the channels",
    ),
    operator(
        "GlobalMaxPool",
        1..=1,
        &[],
        Rule::Floats,
        windows::global_max_pool,
        "over one axis or two behind the channels",
    ),
    operator("Greater", 2..=2, &[], Rule::Compared, choices::greater, COMPARED),
    operator("GreaterOrEqual", 2..=2, &[], Rule::Compared, choices::greater, COMPARED).within(12, NEWEST),
    operator("Identity", 1..=1, &[], Rule::One, join::identity, "of anything"),
    operator("LeakyRelu", 1..=1, &[float("alpha")], Rule::Floats, activations::leaky_relu, "of values and constants"),
    operator("Less", 2..=2, &[], Rule::Compared, choices::less, COMPARED),
    operator("LessOrEqual", 2..=2, &[], Rule::Compared, choices::less, COMPARED).within(12, NEWEST),
    operator(
        "LinearClassifier",
        1..=1,
        CLASSIFIER,
        Rule::Singles,
        ml::classifier,
        "the scores of all classes; LOGISTIC or SOFTMAX before the output is taken off; the label must not be used",
    )
    .of_ml(),
    operator("LinearRegressor", 1..=1, REGRESSOR, Rule::Singles, ml::regressor, "one target, post_transform NONE")
        .of_ml(),
    operator(
        "LogSoftmax",
        1..=1,
        &[int("axis")],
        Rule::Floats,
        ends::log_softmax,
        "of [N, K] over K, before the output, where it is taken off",
    ),
    operator(
        "MatMul",
        2..=2,
        &[],
        Rule::Floats,
        layers::mat_mul,
        "u·c, c of one or two axes, u [N, K] or with axes of size 1 between",
    ),
    operator(
        "Max",
        1..=ANY,
        &[],
        Rule::Floats,
        elementwise::max,
        "of any number of u and c; max(u, c) = c + relu(u − c)",
    ),
    operator(
        "MaxPool",
        1..=1,
        MAX_POOL,
        Rule::Floats,
        windows::max_pool,
        "over one axis or two behind the channels, one output, storage_order 0",
    ),
    operator("Min", 1..=ANY, &[], Rule::Floats, elementwise::min, "of values; before the output: the least of heads"),
    operator("Mod", 2..=2, &[int("fmod")], Rule::Integers, integers::modulo, "i mod j > 0").within(10, NEWEST),
    operator("Mul", 2..=2, &[], Rule::Numbers, elementwise::mul, "u·c, u·u, c·d, i·j"),
    operator("Neg", 1..=1, &[], Rule::Floats, elementwise::neg, "−u, −c"),
    operator(
        "Normalizer",
        1..=1,
        &[other("norm", proto::ATTRIBUTE_STRING)],
        Rule::Singles,
        ml::normalizer,
        "behind a Softmax or LinearClassifier of that kind, norm L1",
    )
    .of_ml(),
    operator("Not", 1..=1, &[], Rule::One, choices::not, "of a comparison"),
    operator(
        "PRelu",
        2..=2,
        &[],
        Rule::Floats,
        activations::parametric,
        "of values, slopes constant: all the same, or at most 1",
    ),
    operator(
        "Pad",
        2..=3,
        PAD,
        Rule::Padded,
        pad::pad,
        "of values, not along the batch, constant pads; constant, where pads below 0 crop; edge, reflect, wrap",
    ),
    operator("ReduceLogSumExp", 1..=2, REDUCTION, Rule::Shaped, reductions::log_sum_exp, REDUCED),
    operator("ReduceMax", 1..=2, REDUCTION, Rule::Shaped, reductions::max, REDUCED),
    operator("ReduceMean", 1..=2, REDUCTION, Rule::Shaped, reductions::mean, REDUCED),
    operator("ReduceMin", 1..=2, REDUCTION, Rule::Shaped, reductions::min, REDUCED),
    operator("ReduceProd", 1..=2, REDUCTION, Rule::Shaped, reductions::product, "of values, over axes of size 1"),
    operator("ReduceSum", 1..=2, SUM, Rule::Shaped, reductions::sum, REDUCED),
    operator("Relu", 1..=1, &[], Rule::Floats, activations::relu, "of values and constants"),
    operator("Pow", 2..=2, &[], Rule::Floats, smooth::pow, POWER).within(OLDEST, 11),
    operator("Pow", 2..=2, &[], Rule::First, smooth::pow, POWER).within(12, NEWEST),
    operator(
        "Reshape",
        2..=2,
        &[int("allowzero").since(14)],
        Rule::Shaped,
        layout::reshape,
        "the batch axis stays in front; −1, 0, allowzero",
    ),
    operator(
        "SVMClassifier",
        1..=1,
        SVM_CLASSIFIER,
        Rule::Singles,
        ml::svm_classifier,
        "of two classes, kernel_type LINEAR, post_transform NONE, no probabilities; the label must not be used",
    )
    .of_ml(),
    operator(
        "SVMRegressor",
        1..=1,
        SVM_REGRESSOR,
        Rule::Singles,
        ml::svm_regressor,
        "kernel_type LINEAR, post_transform NONE, one_class 0",
    )
    .of_ml(),
    operator("Scaler", 1..=1, SCALER, Rule::Singles, ml::scaler, "of [N, C]: (u − offset)·scale").of_ml(),
    operator("SequenceAt", 2..=2, &[], Rule::Indexed, pick::sequence_at, "of a SplitToSequence, stored positions")
        .within(11, NEWEST),
    operator(
        "Shape",
        1..=1,
        &[int("start").since(15), int("end").since(15)],
        Rule::Sizes,
        integers::shape,
        "of values, with N as a symbol, and of constants",
    ),
    operator(
        "Sigmoid",
        1..=1,
        &[],
        Rule::Floats,
        ends::sigmoid,
        "before the output, where it is taken off; 1 − σ(u), and both beside each other",
    ),
    operator(
        "Slice",
        3..=5,
        SLICE,
        Rule::Indexed,
        pick::slice,
        "all of the batch, other axes; stored starts, ends and steps; a negative step only from an entry on",
    ),
    operator(
        "Softmax",
        1..=1,
        &[int("axis")],
        Rule::Floats,
        ends::softmax,
        "of [N, K] over K, before the output, where it is taken off; of two also one of them",
    ),
    operator("SpaceToDepth", 1..=1, &[int("blocksize")], Rule::Floats, blocks::space_to_depth, "of [N, C, H, W]"),
    operator("Softplus", 1..=1, &[], Rule::Floats, smooth::softplus, "of values"),
    operator(
        "Split",
        1..=2,
        SPLIT,
        Rule::Shaped,
        pick::whole,
        "of values, not along the batch, into equal parts or stored sizes",
    ),
    operator("SplitToSequence", 2..=2, PARTS, Rule::Indexed, pick::split_to_sequence, "of values, as Split")
        .within(11, NEWEST),
    operator(
        "Squeeze",
        1..=2,
        SQUEEZE,
        Rule::Shaped,
        layout::squeeze,
        "named axes; without axes only constants, the output where all axes have size 1, and what is added to a batch of one",
    ),
    operator("Sub", 2..=2, &[], Rule::Numbers, elementwise::sub, "u − v, u − c, c − u, c − d, i − j"),
    operator("Sum", 1..=ANY, &[], Rule::Floats, elementwise::total, "u + v + … + c"),
    operator("Tile", 2..=2, &[], Rule::Shaped, pick::tile, "not along the batch; stored repeats"),
    operator(
        "Transpose",
        1..=1,
        &[ints("perm")],
        Rule::One,
        pick::transpose,
        "of constants; of values, also with the batch axis elsewhere, where that comes back",
    ),
    operator("Unsqueeze", 2..=2, SQUEEZE, Rule::Shaped, layout::unsqueeze, "named axes"),
    operator(
        "Where",
        3..=3,
        &[],
        Rule::Chosen,
        choices::larger,
        "of a comparison, u and c, where it takes the larger one, as a Relu or Abs does; of integers",
    ),
];

/// The table: operator, inputs, attributes, types, what is read.
pub(super) fn table() -> Vec<[String; 5]> {
    OPERATORS.iter().map(Operator::row).collect()
}

/// The values that a node of the file gives, without those that nothing may read, and the type of their entries.
pub(super) fn import(importer: &mut Importer, call: &Call) -> Result<Vec<Option<(Value, Kind)>>, ModelError> {
    match exactly(importer, call) {
        Ok(found) => Ok(found),
        // Of constants alone it may be computed in floats.
        Err(refused) => match rounded::compute(importer, call) {
            Ok(Some(found)) => Ok(vec![Some(found)]),
            Ok(None) => Err(refused),
            Err(error) => Err(error),
        },
    }
}

/// Whether it is the name of an operator that is read.
pub(super) fn knows(name: &str) -> bool {
    OPERATORS.iter().any(|operator| operator.name == name)
}

fn exactly(importer: &mut Importer, call: &Call) -> Result<Vec<Option<(Value, Kind)>>, ModelError> {
    let here = |operator: &&Operator| {
        operator.name == call.operator()
            && operator.of_ml == call.of_ml()
            && operator.versions.contains(&importer.opset)
    };
    let Some(operator) = OPERATORS.iter().find(here) else {
        let operator = call.operator();
        let (shown, advice) = (operator.escape_debug(), advice::advice(operator));
        let what = format!("operator {shown} is not supported{advice}; `underplane operators` lists what is read");
        return Err(call.refuse(what));
    };
    // The mask of a Dropout may be there; nothing may read it.
    let outputs = match operator.name {
        "Split" => ANY,
        name if name == "Dropout" || ml::gives_label(name) => 2,
        _ => 1,
    };
    let call = call.checked(operator.inputs.clone(), outputs, operator.attributes, importer.opset)?;
    let kind = operator.types.result(&call)?;
    let call = single::batched(importer, call)?;
    let call = rounded::narrowed(importer, call)?;
    let call = &*faced::faced(importer, &call)?;
    let values = match operator.name {
        _ if ends::reads_one(importer, call) => vec![ends::go_on(importer, call, operator.import)?],
        _ if turned::reads_one(call) => vec![turned::go_on(importer, call, operator.import)?],
        "Split" => pick::split(importer, call)?,
        _ => vec![(operator.import)(importer, call)?],
    };
    values.iter().try_for_each(|value| check_range(call, value, kind))?;
    // A classifier's label stands before its scores.
    let hidden = ml::gives_label(operator.name).then_some(None);
    Ok(hidden.into_iter().chain(values.into_iter().map(|value| Some((value, kind)))).collect())
}
