//! What the program hands out: result rows, tables, reports.

pub mod rows;
