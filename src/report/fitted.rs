//! Tables and paragraphs on a screen of some width.

use super::table::Sheet;
use tabled::settings::Width;
use tabled::settings::peaker::PriorityMax;

/// No screen is taken to be narrower.
pub const LEAST: usize = 24;

impl Sheet {
    /// As [`Sheet::terminal`], with no line wider than `width` (at least [`LEAST`]) where that is given. A table that is
    /// wider has its headings broken at blanks; then its spare columns go in their order, which a line below says; and at
    /// last cells are broken.
    pub fn fitted(&self, width: Option<usize>) -> String {
        let Some(width) = width.map(|width| width.max(LEAST)).filter(|width| self.drawn().total_width() > *width)
        else {
            return self.terminal();
        };
        let mut sheet = self.clone();
        let left_out = self.left_out(Some(width));
        left_out.iter().for_each(|name| sheet.remove(name));
        let mut table = sheet.with_broken_headings().drawn();
        table.with(Width::wrap(width).priority(PriorityMax::right()));
        let note = match left_out[..] {
            [] => String::new(),
            _ => paragraph(&format!("not shown: {} (--wide shows every column)", left_out.join(", ")), Some(width)),
        };
        format!("{table}\n{note}")
    }

    /// The columns that a screen of this width has no room for.
    pub fn left_out(&self, width: Option<usize>) -> Vec<&str> {
        let (mut sheet, mut left_out) = (self.clone(), Vec::new());
        let Some(width) = width.filter(|width| self.drawn().total_width() > *width) else { return left_out };
        for name in self.spare.iter().filter(|name| self.header.contains(name)) {
            if sheet.with_broken_headings().drawn().total_width() <= width {
                break;
            }
            sheet.remove(name);
            left_out.push(name.as_str());
        }
        left_out
    }

    fn with_broken_headings(&self) -> Sheet {
        let broken = |(column, name): (usize, &String)| {
            let longest = self.rows.iter().map(|row| length(&row[column])).max().unwrap_or(0);
            let word = name.split(' ').map(length).max().unwrap_or(0);
            lines(name, longest.max(word)).join("\n")
        };
        Sheet { header: self.header.iter().enumerate().map(broken).collect(), ..self.clone() }
    }
}

/// A text whose lines are broken at blanks, so that none is wider than `width` where that is given and words allow it;
/// further lines begin as far in as the first. Ends in a newline.
pub fn paragraph(text: &str, width: Option<usize>) -> String {
    let Some(width) = width else { return format!("{text}\n") };
    let words = text.trim_start();
    let indent = &text[..text.len() - words.len()];
    let room = width.max(LEAST).saturating_sub(length(indent));
    lines(words, room).iter().map(|line| format!("{indent}{line}\n")).collect()
}

fn lines(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let last = lines.last_mut().expect("a line");
        if last.is_empty() {
            last.push_str(word);
        } else if length(last) + 1 + length(word) <= width {
            last.push(' ');
            last.push_str(word);
        } else {
            lines.push(word.into());
        }
    }
    lines
}

fn length(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet() -> Sheet {
        let header = ["method", "norm", "guarantee of it", "median radius", "× closed form", "time per input"];
        let mut sheet = Sheet::new(&header, 3).sparing(&["× closed form", "guarantee of it", "time per input"]);
        for row in [
            ["closed-form", "l1", "sound", "0.1234", "1.000", "12.3 µs"],
            ["smoothing", "linf", "probabilistic, smoothed", "0.5", "1234", "3.2 ms"],
        ] {
            sheet.rows.push(row.map(String::from).to_vec());
        }
        sheet
    }

    fn widest(text: &str) -> usize {
        text.lines().map(length).max().unwrap()
    }

    #[test]
    fn no_line_is_wider_than_the_screen() {
        for width in LEAST..150 {
            let text = sheet().fitted(Some(width));
            assert!(widest(&text) <= width, "{width}:\n{text}");
        }
        assert_eq!(sheet().fitted(Some(500)), sheet().terminal());
        assert_eq!(sheet().fitted(None), sheet().terminal());
    }

    #[test]
    fn columns_go_in_their_order_and_only_spare_ones() {
        let mut gone = 0;
        for width in (LEAST..150).rev() {
            let text = sheet().fitted(Some(width));
            let note: String =
                text.lines().skip_while(|line| !line.starts_with("not shown: ")).collect::<Vec<_>>().join(" ");
            let named = sheet().spare.iter().take_while(|name| note.contains(name.as_str())).count();
            assert!(named >= gone, "{width}: {text}");
            assert_eq!(note.matches(", ").count() + 1, named.max(1), "{width}: {text}");
            gone = named;
        }
        assert_eq!(gone, 3);
        let text = sheet().fitted(Some(60));
        for shown in ["method", "norm", "median", "radius", "0.1234", "closed-form"] {
            assert!(text.contains(shown), "{shown}: {text}");
        }
        assert!(sheet().left_out(None).is_empty() && sheet().left_out(Some(60)).contains(&"× closed form"));
    }

    #[test]
    fn paragraphs_are_broken_at_blanks() {
        let text = "  nine of ten inputs stay where they are under every change";
        let told = paragraph(text, Some(30));
        assert!(widest(&told) <= 30 && told.lines().all(|line| line.starts_with("  ")), "{told}");
        assert_eq!(told.split_whitespace().collect::<Vec<_>>(), text.split_whitespace().collect::<Vec<_>>());
        assert_eq!(paragraph(text, None), format!("{text}\n"));
        let long = "x".repeat(90);
        assert_eq!(paragraph(&long, Some(30)), format!("{long}\n"), "a path stays whole");
    }
}
