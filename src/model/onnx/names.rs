//! What messages call values and nodes of a file.

use super::proto::{NodeProto, ValueInfoProto};

/// The value's name.
pub(super) fn name_of(info: &ValueInfoProto) -> &str {
    info.name.as_deref().unwrap_or("")
}

/// What messages call a node: its name, or where it is.
pub(super) fn label(node: &NodeProto, index: usize) -> String {
    match node.name.as_deref() {
        Some(name) if !name.is_empty() => printable(name),
        _ => match node.output.first() {
            Some(output) if !output.is_empty() => printable(output),
            _ => format!("node {index}"),
        },
    }
}

/// Text from a file without control characters.
pub(super) fn printable(text: &str) -> String {
    if text.chars().any(char::is_control) { text.escape_debug().to_string() } else { text.into() }
}
