//! What the files of an entry are known by, so that it can be said which of them is another one than before.

use crate::data::store::sha256;
use crate::model::onnx::Beside;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The SHA-256 of every file that is read for an entry, by what it is to it: `model`, `inputs`, or the name of a file
/// beside the model.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Files(BTreeMap<String, String>);

impl Files {
    /// Of these contents.
    pub(super) fn of(onnx: &[u8], beside: &Beside, inputs: &[u8]) -> Files {
        let own = [("model", onnx), ("inputs", inputs)].map(|(name, bytes)| (name.to_string(), sha256(bytes)));
        let others = beside.read().into_iter().map(|(name, bytes)| (name, sha256(&bytes)));
        Files(own.into_iter().chain(others).collect())
    }

    /// Those that are others than `before`, in words; a file that was not known then is not known to be another one.
    pub(super) fn others_than(&self, before: &Files) -> Vec<String> {
        let other = |(name, now): (&String, &String)| {
            let then = before.0.get(name).filter(|then| *then != now)?;
            Some(format!("{name} (SHA-256 {}… then, {}… now)", short(then), short(now)))
        };
        self.0.iter().filter_map(other).collect()
    }
}

fn short(digest: &str) -> String {
    digest.chars().take(12).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_another_one_is_named_with_both_digests() {
        let of = |pairs: &[(&str, &str)]| Files(pairs.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect());
        let now = of(&[("model", "aaaaaaaaaaaaaaaa"), ("inputs", "b"), ("model.onnx.data", "c")]);
        assert!(now.others_than(&now).is_empty() && now.others_than(&Files::default()).is_empty());
        let then = of(&[("model", "dddddddddddddddd"), ("inputs", "b")]);
        assert_eq!(now.others_than(&then), ["model (SHA-256 dddddddddddd… then, aaaaaaaaaaaa… now)"]);
    }
}
