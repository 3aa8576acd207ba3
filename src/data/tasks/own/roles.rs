//! What the columns of the user's own table are to be.

use super::OwnTable;
use crate::data::error::{DataError, Place};
use crate::data::inputs::label::nearest;
use crate::data::preparation::Role;
use crate::data::preparation::fit::RoleKind;
use crate::data::table::Table;

/// The columns that are features, in their order.
///
/// # Errors
/// When the config names a column that is not there, or one for two things, or none is left.
pub(super) fn roles(own: &OwnTable, table: &Table, label: usize) -> Result<Vec<Role>, DataError> {
    let names = table.columns();
    let lists = [("ignore", &own.ignore), ("categories", &own.categories), ("log", &own.log)];
    let ordinal: Vec<String> = own.ordinal.keys().cloned().collect();
    let mut uses = vec![Vec::new(); names.len()];
    for (key, list) in lists.into_iter().chain([("ordinal", &ordinal)]) {
        for wanted in list {
            let at = names.iter().position(|name| name == wanted).ok_or_else(|| absent(table, key, wanted))?;
            uses[at].push(key);
        }
    }
    uses[label].push("label_column");
    if let Some(at) = uses.iter().position(|uses| uses.len() > 1) {
        let found = format!("`{}` in {}", names[at], uses[at].join(" and in "));
        return Err(DataError::content(table.path(), Place::Line(1), "every column in one place of the config", found));
    }
    let role = |(column, uses): (usize, &Vec<&str>)| {
        let kind = match uses.first().copied() {
            None => RoleKind::Number { log: false },
            Some("log") => RoleKind::Number { log: true },
            Some("categories") => RoleKind::Category,
            Some("ordinal") => RoleKind::Ordinal(own.ordinal[&names[column]].clone()),
            Some(_) => return None,
        };
        Some(Role { column, kind })
    };
    let roles: Vec<Role> = uses.iter().enumerate().filter_map(role).collect();
    match roles.is_empty() {
        true => {
            Err(DataError::content(table.path(), Place::Line(1), "a column besides labels and ignored ones", "none"))
        }
        false => Ok(roles),
    }
}

fn absent(table: &Table, key: &str, wanted: &str) -> DataError {
    let names = table.columns();
    let like = nearest(wanted, names.iter()).map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
    let expected = format!("a column `{wanted}`, which `{key}` names");
    DataError::content(table.path(), Place::Line(1), expected, format!("{}{like}", names.join(", ")))
}
