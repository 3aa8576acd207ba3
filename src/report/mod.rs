//! What the program hands out: result rows, records, tables, reports.

pub mod answer;
pub mod grown;
pub mod number;
pub mod records;
pub mod rows;
pub mod run_info;
pub mod table;
