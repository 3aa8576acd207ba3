//! What the program hands out: result rows, records, tables, reports.

pub mod answer;
pub mod fitted;
pub mod grown;
pub mod number;
pub mod records;
pub mod rounded;
pub mod rows;
pub mod run_info;
pub mod sentence;
pub mod table;
