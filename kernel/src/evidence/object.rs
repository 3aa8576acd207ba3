//! A JSON object of the format, taken apart key by key.

use crate::evidence::json::Json;
use crate::rejection::{Code, Rejection};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// An object whose keys are taken one by one.
pub struct Object {
    place: &'static str,
    entries: Vec<(String, Json)>,
}

impl Object {
    /// Takes `value` apart; `place` is what a rejection calls it.
    pub fn of(value: Json, place: &'static str) -> Result<Object, Rejection> {
        match value {
            Json::Object(entries) => Ok(Object { place, entries }),
            _ => Err(Rejection::new(Code::MalformedCertificate, place, "an object", "another value")),
        }
    }

    fn refuse(&self, key: &str, expected: &str, found: &str) -> Rejection {
        Rejection::new(Code::MalformedCertificate, format!("{}, key `{key}`", self.place), expected, found)
    }

    /// The value of `key`.
    pub fn take(&mut self, key: &str) -> Option<Json> {
        let at = self.entries.iter().position(|(name, _)| name == key)?;
        Some(self.entries.swap_remove(at).1)
    }

    /// A string.
    pub fn text(&mut self, key: &str) -> Result<Option<String>, Rejection> {
        match self.take(key) {
            None => Ok(None),
            Some(Json::Text(text)) => Ok(Some(text)),
            Some(_) => Err(self.refuse(key, "a string", "another value")),
        }
    }

    /// A string that must be there.
    pub fn required(&mut self, key: &str) -> Result<String, Rejection> {
        self.text(key)?.ok_or_else(|| self.refuse(key, "a string", "none"))
    }

    /// A list of two strings, the value of `key`.
    pub fn pair(&self, key: &str, value: Json) -> Result<(String, String), Rejection> {
        match value {
            Json::List(items) => match <[Json; 2]>::try_from(items) {
                Ok([Json::Text(low), Json::Text(high)]) => Ok((low, high)),
                _ => Err(self.refuse(key, "two strings", "others")),
            },
            _ => Err(self.refuse(key, "a list of two strings", "another value")),
        }
    }

    /// A list.
    pub fn list(&mut self, key: &str) -> Result<Option<Vec<Json>>, Rejection> {
        match self.take(key) {
            None => Ok(None),
            Some(Json::List(items)) => Ok(Some(items)),
            Some(_) => Err(self.refuse(key, "a list", "another value")),
        }
    }

    /// The key `bits`, one of `allowed`.
    pub fn bits(&mut self, allowed: &[u32]) -> Result<u32, Rejection> {
        let text = self.required("bits")?;
        let fits = allowed.iter().copied().find(|bits| bits.to_string() == text);
        fits.ok_or_else(|| {
            Rejection::new(Code::Bits, self.place, format!("one of {allowed:?}"), text.escape_debug().to_string())
        })
    }

    /// The bytes of a base64 string that must be there.
    pub fn bytes(&mut self, key: &str) -> Result<Vec<u8>, Rejection> {
        let text = self.required(key)?;
        let place = || format!("{}, key `{key}`", self.place);
        STANDARD.decode(text).map_err(|e| Rejection::new(Code::Encoding, place(), "base64", e.to_string()))
    }

    /// Refuses keys that nobody took.
    pub fn finish(self) -> Result<(), Rejection> {
        match self.entries.first() {
            None => Ok(()),
            Some((key, _)) => {
                let found = format!("`{}`", key.escape_debug());
                Err(Rejection::new(Code::MalformedCertificate, self.place, "the format's keys", found))
            }
        }
    }
}
