//! Which code says what an operator means.

use crate::network::graph::{End, Graph, Op};
use crate::number::exact::Float;
use crate::onnx::affine;
use crate::onnx::blocks;
use crate::onnx::call::{Call, Value, Values};
use crate::onnx::conditions;
use crate::onnx::constants;
use crate::onnx::einsum;
use crate::onnx::ends;
use crate::onnx::exponentials;
use crate::onnx::faced::faced;
use crate::onnx::forms;
use crate::onnx::guards;
use crate::onnx::joined;
use crate::onnx::kinds;
use crate::onnx::ml;
use crate::onnx::moves;
use crate::onnx::nodes::Answer;
use crate::onnx::reductions;
use crate::onnx::single::batched;
use crate::onnx::sizes;
use crate::onnx::smooth;
use crate::onnx::spread;
use crate::onnx::tensor::Kind;
use crate::onnx::turned;
use crate::onnx::units;
use crate::onnx::windows;
use crate::rejection::{Code, Rejection};

/// 0.01, the default of LeakyRelu.
const ALPHA: u32 = 0x3c23_d70a;

/// Appends what `call` computes to the graph, in the version `opset` of the operators: its outputs, without those that nothing
/// may read.
pub fn apply(
    graph: &mut Graph,
    call: &Call,
    values: &Values,
    opset: i64,
) -> Result<Vec<Option<(Value, Kind)>>, Rejection> {
    if !call.is_standard {
        return Err(call.refuse(Code::Unsupported, "a standard operator", "one of another domain"));
    }
    let form = forms::find(call, opset)?;
    let call = form.newest(call, values, opset)?;
    let kind = form.check(&call, values, opset)?;
    let call = &*batched(call, values)?;
    let results = match kind {
        Some(kind) if call.operator == "Split" => {
            moves::split(graph, call, values, opset)?.into_iter().map(|part| Some((part, kind))).collect()
        }
        Some(kind) if ml::gives_label(call.operator) => vec![None, Some((value(graph, call, values, opset)?, kind))],
        Some(kind) => {
            let folded = constants::fold(call, values, kind, call.float("alpha", ALPHA)?)?;
            vec![Some((folded.map_or_else(|| placed(graph, call, values, opset), Ok)?, kind))]
        }
        None if call.operator == "ConstantOfShape" => vec![Some(spread::constant_of_shape(graph, call, values)?)],
        None if call.operator == "Constant" => vec![Some(call.constant(values)?)],
        None => vec![Some(guards::cast(graph, call, values)?)],
    };
    results.iter().flatten().try_for_each(|(value, kind)| kinds::check_range(call, *kind, value))?;
    Ok(results)
}

/// Of values whose batch axis is not in front as of those where it is.
fn placed(graph: &mut Graph, call: &Call, values: &Values, opset: i64) -> Answer {
    let resolved;
    let mut call = call;
    if guards::reads_one(call, values)? {
        match guards::go_on(graph, call, values)? {
            Ok(answer) => return Ok(answer),
            Err(without) => {
                resolved = without;
                call = &resolved;
            }
        }
    }
    if joined::reads_one(call, values)? {
        return joined::go_on(graph, call, values, opset);
    }
    if exponentials::reads_one(call, values)? {
        return exponentials::go_on(graph, call, values, opset);
    }
    let call = &faced(graph, call, values)?;
    if !turned::reads_one(call, values)? {
        return value(graph, call, values, opset);
    }
    let (front, place) = turned::front(call, values)?;
    turned::back(call, value(graph, &front, values, opset)?, place)
}

/// Of values with the batch axis in front.
pub fn value(graph: &mut Graph, call: &Call, values: &Values, opset: i64) -> Answer {
    match call.operator {
        "Gemm" => affine::gemm(graph, call, values),
        "MatMul" => affine::mat_mul(graph, call, values),
        "Einsum" => einsum::einsum(graph, call, values),
        "Add" | "Sub" | "Mul" | "Div" => affine::binary(graph, call, values),
        "Sum" => affine::sum(graph, call, values),
        "Neg" => affine::negate(graph, call, values),
        "BatchNormalization" => affine::batch_norm(graph, call, values),
        "Relu" => units::kink(graph, call, values, Float::ZERO),
        "LeakyRelu" => units::kink(graph, call, values, call.float("alpha", ALPHA)?),
        "Abs" => units::kink(graph, call, values, Float::ONE.negated()),
        "PRelu" => units::parametric(graph, call, values),
        "Clip" => units::clip(graph, call, values),
        "Softplus" => smooth::softplus(graph, call, values),
        "Elu" => smooth::elu(graph, call, values),
        "Celu" => smooth::celu(graph, call, values),
        "ReduceLogSumExp" => reductions::log_sum_exp(graph, call, values),
        "ReduceL1" => reductions::sum_of(graph, call, values, |graph, call| {
            units::kink(graph, call, values, Float::ONE.negated())
        }),
        "ReduceSumSquare" => reductions::sum_of(graph, call, values, |graph, call| smooth::square(graph, call, values)),
        "Pow" => smooth::pow(graph, call, values),
        "Max" => units::maximum(graph, call, values),
        "Min" => ends::minimum(graph, call, values),
        "Sigmoid" => ends::end(graph, call, values, End::Sigmoid),
        "Softmax" => ends::end(graph, call, values, End::Softmax),
        "LogSoftmax" => ends::end(graph, call, values, End::LogSoftmax),
        "Greater" | "GreaterOrEqual" => conditions::compare(call, values, false),
        "Less" | "LessOrEqual" => conditions::compare(call, values, true),
        "Not" => guards::negation(call, values),
        "And" | "Or" => guards::both(call, values),
        "IsNaN" | "IsInf" => guards::never(call, values),
        "Exp" => exponentials::exp(call, values),
        "Log" if let Some((of, shape, end)) = ends::logits(graph, call, values)? => match end {
            End::Sigmoid => exponentials::log_sigmoid(graph, call, of, &shape),
            _ => ends::ended(graph, call, (of, shape), End::LogSoftmax),
        },
        "Log" | "ReduceLogSum" => exponentials::log(call),
        "Where" => conditions::larger(graph, call, values),
        "ReduceSum" => reductions::sum(graph, call, values),
        "ReduceMean" => reductions::mean(graph, call, values),
        "ReduceMin" => reductions::minimum(graph, call, values),
        "ReduceMax" => reductions::of_parts(graph, call, values, Op::Max),
        "LinearClassifier" => ml::classifier(graph, call, values),
        "Normalizer" => ml::normalizer(graph, call, values),
        "SVMClassifier" => ml::svm_classifier(graph, call, values),
        "SVMRegressor" => ml::svm_regressor(graph, call, values),
        "Scaler" => ml::scaler(graph, call, values),
        "LinearRegressor" => ml::regressor(graph, call, values),
        "ArrayFeatureExtractor" => ml::columns(graph, call, values),
        "MaxPool" => windows::max_pool(graph, call, values),
        "AveragePool" => windows::average_pool(graph, call, values),
        "GlobalAveragePool" => windows::global_average_pool(graph, call, values),
        "GlobalMaxPool" => windows::global_max_pool(graph, call, values),
        "Conv" => windows::conv(graph, call, values),
        "Pad" => windows::pad(graph, call, values),
        "Identity" => Ok(call.input(0, values)?.clone()),
        "ReverseSequence" => moves::reverse_sequence(graph, call, values),
        "Dropout" => moves::dropout(call, values),
        "Concat" => moves::concat(graph, call, values),
        "Transpose" => moves::transpose(graph, call, values),
        "SplitToSequence" => moves::split(graph, call, values, opset).map(Value::Sequence),
        "SequenceAt" => moves::sequence_at(call, values),
        "Gather" | "GatherND" => moves::gather(graph, call, values),
        "Slice" => moves::slice(graph, call, values),
        "Expand" => spread::expand(graph, call, values),
        "Tile" => spread::tile(graph, call, values),
        "DepthToSpace" => blocks::depth_to_space(graph, call, values),
        "SpaceToDepth" => blocks::space_to_depth(graph, call, values),
        "CastLike" => Ok(sizes::cast(call, values)?.0),
        "Mod" | "Equal" => sizes::arithmetic(call, call.input(0, values)?, call.input(1, values)?),
        "ReduceProd" => reductions::product(graph, call, values),
        "Flatten" => sizes::flatten(call, values, opset),
        "Reshape" => sizes::reshape(call, values),
        "Squeeze" | "Unsqueeze" => sizes::axes(call, values, opset),
        "Shape" => sizes::shape(call, values),
        other => Err(call.refuse(Code::Unsupported, "an operator that the kernel reads", other)),
    }
}
