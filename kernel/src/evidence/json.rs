//! The JSON of certificates: objects, lists and strings, nothing else, no key twice.

use crate::budget;
use crate::rejection::{Code, Rejection};

/// A JSON value of the format.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Json>),
    /// Keys and values, in order.
    Object(Vec<(String, Json)>),
}

/// Deepest nesting: a certificate, its heads, one of them, its tree, a leaf, its list of slopes, one node's slopes.
const DEPTH: usize = 7;

/// Reads one value that fills `text`.
pub fn read(text: &str) -> Result<Json, Rejection> {
    let mut reader = Reader { text, at: 0, values: 0 };
    let value = reader.value(0)?;
    reader.space();
    match reader.rest().chars().next() {
        None => Ok(value),
        Some(c) => Err(reader.refuse("the end of the line", &c.escape_debug().to_string())),
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    values: u64,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn refuse(&self, expected: &str, found: &str) -> Rejection {
        Rejection::new(Code::MalformedCertificate, format!("byte {}", self.at), expected, found)
    }

    fn space(&mut self) {
        let trimmed = self.rest().trim_start_matches([' ', '\t', '\r', '\n']).len();
        self.at = self.text.len() - trimmed;
    }

    /// Takes `c` after spaces, if it comes next.
    fn take(&mut self, c: char) -> bool {
        self.space();
        let comes = self.rest().starts_with(c);
        self.at += if comes { c.len_utf8() } else { 0 };
        comes
    }

    fn expect(&mut self, c: char) -> Result<(), Rejection> {
        if self.take(c) {
            return Ok(());
        }
        let found = self.rest().chars().next().map_or("the end".into(), |c| c.escape_debug().to_string());
        Err(self.refuse(&format!("`{c}`"), &found))
    }

    fn value(&mut self, depth: usize) -> Result<Json, Rejection> {
        if depth > DEPTH {
            return Err(self.refuse(&format!("at most {DEPTH} levels"), "more"));
        }
        self.values += 1;
        budget::within("line", "values", self.values, budget::VALUES)?;
        if self.take('{') {
            return self.object(depth);
        }
        if self.take('[') {
            return self.list(depth);
        }
        Ok(Json::Text(self.string()?))
    }

    fn object(&mut self, depth: usize) -> Result<Json, Rejection> {
        let mut entries: Vec<(String, Json)> = Vec::new();
        if self.take('}') {
            return Ok(Json::Object(entries));
        }
        loop {
            self.space();
            let key = self.string()?;
            if entries.len() >= 16 {
                return Err(self.refuse("at most 16 keys", "more"));
            }
            if entries.iter().any(|(other, _)| *other == key) {
                return Err(self.refuse("every key once", &format!("`{}` again", key.escape_debug())));
            }
            self.expect(':')?;
            entries.push((key, self.value(depth + 1)?));
            if !self.take(',') {
                self.expect('}')?;
                return Ok(Json::Object(entries));
            }
        }
    }

    fn list(&mut self, depth: usize) -> Result<Json, Rejection> {
        let mut items = Vec::new();
        if self.take(']') {
            return Ok(Json::List(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            if !self.take(',') {
                self.expect(']')?;
                return Ok(Json::List(items));
            }
        }
    }

    fn string(&mut self) -> Result<String, Rejection> {
        self.expect('"')?;
        let mut text = String::new();
        loop {
            let plain = self.rest().find(['"', '\\']).unwrap_or(self.rest().len());
            if let Some(c) = self.rest()[..plain].chars().find(|c| (*c as u32) < 0x20) {
                return Err(self.refuse("no control characters", &c.escape_debug().to_string()));
            }
            text.push_str(&self.rest()[..plain]);
            self.at += plain;
            match self.rest().as_bytes().first() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(text);
                }
                Some(_) => text.push(self.escape()?),
                None => return Err(self.refuse("`\"`", "the end")),
            }
        }
    }

    /// One escape sequence, from its backslash on.
    fn escape(&mut self) -> Result<char, Rejection> {
        let kind = self.rest().chars().nth(1);
        self.at += 1 + kind.map_or(0, char::len_utf8);
        match kind {
            Some(c @ ('"' | '\\' | '/')) => Ok(c),
            Some('b') => Ok('\u{8}'),
            Some('f') => Ok('\u{c}'),
            Some('n') => Ok('\n'),
            Some('r') => Ok('\r'),
            Some('t') => Ok('\t'),
            Some('u') => {
                let unit = self.unit()?;
                if !(0xd800..0xe000).contains(&unit) {
                    return char::from_u32(unit).ok_or_else(|| self.refuse("a character", "none"));
                }
                let low = if self.rest().starts_with("\\u") {
                    self.at += 2;
                    self.unit()?
                } else {
                    0
                };
                let paired = unit < 0xdc00 && (0xdc00..0xe000).contains(&low);
                let code = 0x10000 + ((unit & 0x3ff) << 10) + (low & 0x3ff);
                let character = paired.then(|| char::from_u32(code)).flatten();
                character.ok_or_else(|| self.refuse("a pair of surrogates", "half of one"))
            }
            _ => Err(self.refuse("an escape sequence", "another one")),
        }
    }

    fn unit(&mut self) -> Result<u32, Rejection> {
        let digits = self.rest().get(..4).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
        let unit = digits.and_then(|d| u32::from_str_radix(d, 16).ok());
        let unit = unit.ok_or_else(|| self.refuse("four hexadecimal digits", "others"))?;
        self.at += 4;
        Ok(unit)
    }
}
