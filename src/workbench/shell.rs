//! Words of a command as a shell reads them, for commands that are printed to be pasted.

use std::path::Path;

/// One word, quoted where it has to be.
pub fn word(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./,:=+@%".contains(c);
    match !text.is_empty() && text.chars().all(plain) {
        true => text.into(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

/// A file's name, which no option begins like.
pub fn path_word(path: &Path) -> String {
    let text = path.display().to_string();
    if text.starts_with('-') { word(&format!("./{text}")) } else { word(&text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_back_by_a_shell() {
        for text in
            ["a", "a b", "it's", "", "$HOME", "`x`", "a\"b", "a\\b", "*", "~", "a;b", "ü", "a\nb", "!x", "#", "&"]
        {
            let command = format!("printf %s {}", word(text));
            let told = std::process::Command::new("sh").args(["-c", &command]).output().unwrap().stdout;
            assert_eq!(String::from_utf8(told).unwrap(), text, "{command}");
        }
        assert_eq!(path_word(Path::new("-x.npy")), "./-x.npy");
    }
}
