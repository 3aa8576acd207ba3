//! What to do about an operator that is not read.

/// Advice for operators that people meet, by name.
pub(super) fn advice(operator: &str) -> &'static str {
    match operator {
        "Tanh" | "Erf" | "Gelu" | "Mish" | "HardSigmoid" | "HardSwish" | "Selu" | "Softsign" | "Swish" | "Sin"
        | "Cos" => {
            ": it is not convex; remove it before exporting where it is the last one, else train with ReLU, LeakyReLU or \
             another convex activation"
        }
        "If" | "Loop" | "Scan" => ": export a model without control flow, with torch.onnx.export(model.eval(), …)",
        "Resize" | "Upsample" => ": repeat entries with repeat_interleave or expand instead of interpolating",
        "SequenceConstruct" | "ConcatFromSequence" | "SequenceMap" => {
            ": join values with Concat, as torch.cat is exported"
        }
        "Log1p" | "Expm1" => ": it is no operator of ONNX; write Log of 1 + x, or Exp and − 1",
        "LSTM" | "GRU" | "RNN" | "Attention" => ": networks with state or attention are not input-convex",
        "LayerNormalization" | "InstanceNormalization" | "GroupNormalization" | "LpNormalization" => {
            ": it divides by what depends on the input, which is not convex; BatchNormalization in inference is read"
        }
        "QuantizeLinear" | "DequantizeLinear" | "DynamicQuantizeLinear" | "QLinearMatMul" | "QLinearConv" => {
            ": export the model before it is quantised"
        }
        "ArgMax" | "ArgMin" | "TopK" | "ThresholdedRelu" | "Sign" | "Round" | "Floor" | "Ceil" => {
            ": it jumps; export the scores before it"
        }
        "TreeEnsembleClassifier" | "TreeEnsembleRegressor" | "TreeEnsemble" => {
            ": trees jump and are not convex, so that no such radius exists for them"
        }
        "Imputer" | "OneHotEncoder" | "LabelEncoder" | "OrdinalEncoder" | "Binarizer" | "CategoryMapper" => {
            ": it jumps; prepare the inputs before, and export the pipeline behind it"
        }
        _ => "",
    }
}
