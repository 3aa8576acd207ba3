//! One table, for the terminal and for Markdown.

use tabled::Table;
use tabled::builder::Builder;
use tabled::settings::object::Columns;
use tabled::settings::{Alignment, Style};

/// A header and rows of as many cells.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sheet {
    /// Column names.
    pub header: Vec<String>,
    /// Cells.
    pub rows: Vec<Vec<String>>,
    /// The first so many columns are words, aligned left; the others are numbers, aligned right.
    pub words: usize,
    /// Columns that a narrow screen can do without; the first one goes first.
    pub spare: Vec<String>,
}

impl Sheet {
    /// An empty table.
    pub fn new(header: &[&str], words: usize) -> Sheet {
        Sheet { header: header.iter().map(|h| h.to_string()).collect(), words, ..Sheet::default() }
    }

    /// With columns that a narrow screen can do without; the first one goes first.
    pub fn sparing(self, spare: &[&str]) -> Sheet {
        Sheet { spare: spare.iter().map(|name| name.to_string()).collect(), ..self }
    }

    /// Leaves out the columns that are empty in every row.
    pub fn without_empty_columns(mut self) -> Sheet {
        for column in (0..self.header.len()).rev() {
            if self.rows.iter().all(|row| row[column].is_empty()) {
                self.remove_at(column);
            }
        }
        self
    }

    /// Leaves out the column of this name.
    pub(super) fn remove(&mut self, name: &str) {
        if let Some(column) = self.header.iter().position(|heading| heading == name) {
            self.remove_at(column);
        }
    }

    fn remove_at(&mut self, column: usize) {
        self.header.remove(column);
        self.rows.iter_mut().for_each(|row| drop(row.remove(column)));
        self.words -= usize::from(column < self.words);
    }

    /// With lines drawn, ending in a newline.
    pub fn terminal(&self) -> String {
        format!("{}\n", self.drawn())
    }

    pub(super) fn drawn(&self) -> Table {
        let mut builder = Builder::default();
        builder.push_record(&self.header);
        self.rows.iter().for_each(|row| builder.push_record(row));
        let mut table = builder.build();
        table.with(Style::sharp()).modify(Columns::new(self.words..), Alignment::right());
        table
    }

    /// As a Markdown table, ending in a newline.
    pub fn markdown(&self) -> String {
        let line =
            |cells: &[String]| format!("| {} |\n", cells.iter().map(|c| escaped(c)).collect::<Vec<_>>().join(" | "));
        let rule: Vec<&str> = (0..self.header.len()).map(|c| if c < self.words { "---" } else { "---:" }).collect();
        let rows: String = self.rows.iter().map(|row| line(row)).collect();
        format!("{}| {} |\n{rows}", line(&self.header), rule.join(" | "))
    }
}

fn escaped(cell: &str) -> String {
    cell.replace('|', "\\|").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet() -> Sheet {
        let mut sheet = Sheet::new(&["name", "note", "size"], 2);
        sheet.rows.push(vec!["a|b".into(), String::new(), "1".into()]);
        sheet
    }

    #[test]
    fn markdown_escapes_bars_and_aligns_numbers() {
        assert_eq!(sheet().markdown(), "| name | note | size |\n| --- | --- | ---: |\n| a\\|b |  | 1 |\n");
    }

    #[test]
    fn empty_columns_go() {
        let sheet = sheet().without_empty_columns();
        assert_eq!((sheet.header, sheet.words), (vec!["name".to_string(), "size".to_string()], 1));
    }

    #[test]
    fn the_terminal_shows_every_cell() {
        let text = sheet().terminal();
        assert!(["name", "note", "size", "a|b"].iter().all(|cell| text.contains(cell)), "{text}");
    }
}
