//! `underplane inspect`: what a network's weights say about it.

use super::Finish;
use super::inputs::tell;
use super::links::LinkArgs;
use super::logit::LogitArgs;
use anyhow::Result;
use serde_json::json;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use tabled::builder::Builder;
use tabled::settings::Style;
use underplane::model::curvature::analyse;
use underplane::model::{Convexity, Model, onnx};
use underplane::norm::Norm;
use underplane::workbench::ModelFile;

#[derive(clap::Args)]
pub struct Args {
    /// The network, an ONNX file
    model: PathBuf,
    #[command(flatten)]
    logit: LogitArgs,
    #[command(flatten)]
    links: LinkArgs,
    /// Print JSON instead of tables
    #[arg(long)]
    json: bool,
    /// Write the network that is certified (every batch normalisation as its rounded gain and shift) as ONNX
    #[arg(long, value_name = "F.onnx")]
    write: Option<PathBuf>,
}

pub fn run(args: &Args) -> Result<Finish> {
    let model = ModelFile::read(&args.model, args.links.follow_links, &args.logit.logit())?.said(&mut tell).model;
    if let Some(path) = &args.write {
        onnx::write(model.graph(), path)?;
    }
    let text = if args.json { format!("{:#}\n", as_json(&model)) } else { as_text(&model) };
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(if model.convexity().is_ok() { Finish::Answered } else { Finish::Unknown })
}

/// (name, operation, shape, curvature, sign) of every node.
fn nodes(model: &Model) -> Vec<[String; 5]> {
    let without_map = analyse(model.graph(), &[]);
    let analysis = model.convexity().map_or(&without_map, |convexity| &convexity.analysis);
    let row = |(node, facts): (&underplane::model::Node, &underplane::model::curvature::Facts)| {
        let (curvature, sign) = facts.summary();
        let shape = format!("{:?}", node.shape);
        [node.name.clone(), node.operation().to_string(), shape, curvature.to_string(), sign.to_string()]
    };
    model.graph().nodes().iter().zip(&analysis.nodes).map(row).collect()
}

fn parameters(model: &Model) -> usize {
    model.graph().nodes().iter().map(|node| node.op.constants()).sum()
}

fn as_text(model: &Model) -> String {
    let mut builder = Builder::default();
    builder.push_record(["node", "operation", "shape", "curvature", "sign"]);
    nodes(model).into_iter().for_each(|row| builder.push_record(row));
    let mut text = format!("{}\n\n", builder.build().with(Style::sharp()));
    let _ = writeln!(text, "input       {:?}, {} coordinates", model.graph().node(0).shape, model.input_size());
    let _ = writeln!(text, "constants   {}", parameters(model));
    match model.convexity() {
        Ok(convexity) => describe(&mut text, model, convexity),
        Err(broken) => {
            let _ = writeln!(text, "convexity   unknown: {}", broken.reason);
        }
    }
    text
}

fn describe(text: &mut String, model: &Model, convexity: &Convexity) {
    let map = &convexity.map;
    if map.is_identity() {
        let _ = writeln!(text, "feature map φ = identity: f is convex in x");
    } else {
        let names =
            |ids: &[usize]| ids.iter().map(|&id| format!("`{}`", model.graph().node(id).name)).collect::<Vec<_>>();
        let kinks: Vec<usize> = map.bent.iter().map(|bent| bent.node).collect();
        let _ = writeln!(
            text,
            "feature map φ ends at {}, with kinks {}",
            names(&map.features).join(", "),
            names(&kinks).join(", ")
        );
    }
    let _ = writeln!(text, "network g   convex in φ(x)");
    if let Some(form) = lipschitz_form(convexity) {
        let _ = writeln!(text, "Lip_p(φ)    {form}");
    }
    for norm in Norm::STANDARD {
        let _ = writeln!(text, "Lip(φ), {norm:<4} ≤ {}", map.lipschitz(norm));
    }
}

/// The constant for every p as a power, where it has that form.
fn lipschitz_form(convexity: &Convexity) -> Option<String> {
    let (count, factor) = convexity.map.lipschitz_form()?;
    Some(match (count, factor) {
        (1, factor) => format!("{factor}"),
        (count, 1.0) => format!("{count}^(1/p)"),
        (count, factor) => format!("{count}^(1/p) · {factor}"),
    })
}

fn as_json(model: &Model) -> serde_json::Value {
    let keys = ["name", "operation", "shape", "curvature", "sign"];
    let node = |row: [String; 5]| -> serde_json::Value {
        keys.iter()
            .zip(row)
            .map(|(key, value)| (key.to_string(), value.into()))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    let mut value = json!({
        "nodes": nodes(model).into_iter().map(node).collect::<Vec<_>>(),
        "input_shape": model.graph().node(0).shape,
        "constants": parameters(model),
    });
    match model.convexity() {
        Ok(convexity) => {
            let map = &convexity.map;
            let name = |id: &usize| model.graph().node(*id).name.clone();
            value["convexity"] = "convex".into();
            value["feature_map"] = json!({
                "identity": map.is_identity(),
                "features": map.features.iter().map(name).collect::<Vec<_>>(),
                "kinks": map.bent.iter().map(|bent| name(&bent.node)).collect::<Vec<_>>(),
                "lipschitz": lipschitz_form(convexity),
                "lipschitz_bounds": Norm::STANDARD.map(|norm| (norm.to_string(), map.lipschitz(norm))).into_iter()
                    .collect::<std::collections::BTreeMap<_, _>>(),
            });
        }
        Err(broken) => {
            value["convexity"] = "unknown".into();
            value["reason"] = broken.reason.clone().into();
            value["node"] = model.graph().node(broken.node).name.clone().into();
        }
    }
    value
}
