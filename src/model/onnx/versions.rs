//! The versions of the file format and of the operators that a file names.

use super::names::printable;
use super::operator::{NEWEST, OLDEST};
use super::proto::ModelProto;
use crate::model::ModelError;
use std::collections::HashMap;
use std::ops::RangeInclusive;

/// The versions of the file format that are read.
const FORMATS: RangeInclusive<i64> = 3..=14;

/// The versions of the format and of the standard operators, which are known ones.
pub(super) fn check_versions(model: &ModelProto) -> Result<(i64, i64), ModelError> {
    let mut versions = HashMap::new();
    for set in &model.opset_import {
        let domain = set.domain.as_deref().filter(|&domain| domain != "ai.onnx").unwrap_or("");
        let version = set.version.unwrap_or(0);
        if versions.insert(domain, version).is_some_and(|other| other != version) {
            let whose = if domain.is_empty() { "ONNX".into() } else { printable(domain) };
            return Err(ModelError::Model(format!("two versions of the {whose} operators are named")));
        }
        // Runtimes refuse versions that they do not know, even of operators that no node uses.
        let known = match domain {
            "ai.onnx.ml" => 5,
            "com.microsoft" | "ai.onnx.training" => 1,
            _ => i32::MAX.into(),
        };
        let found = set.version.unwrap_or(0);
        if !(1..=known).contains(&found) && !domain.is_empty() {
            let what = format!("version {found} of the operators of `{}` is not known", printable(domain));
            return Err(ModelError::Model(what));
        }
    }
    let Some(&version) = versions.get("") else {
        return Err(ModelError::Decode("it names no version of the ONNX operators".into()));
    };
    if !(OLDEST..=NEWEST).contains(&version) {
        return Err(ModelError::Model(format!("opset {version} is not supported, {OLDEST} to {NEWEST} are")));
    }
    let format = model.ir_version.unwrap_or(0);
    if !FORMATS.contains(&format) {
        let (oldest, newest) = (FORMATS.start(), FORMATS.end());
        return Err(ModelError::Model(format!("IR version {format} is not supported, {oldest} to {newest} are")));
    }
    Ok((format, version))
}
