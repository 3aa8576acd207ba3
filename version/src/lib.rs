//! The commit of the source that a program is built from, as a macro: whoever calls it is built anew when the commit
//! moves, and nobody else. A build script would have the whole library built again after every commit.

use proc_macro::TokenStream;
use std::fs::read_to_string;
use std::path::{Path, PathBuf};

/// Digits of a commit that tell it from others.
const DIGITS: usize = 9;

/// `Some("365d678a1")` in a checkout of this package's own repository, else `None`: a packed source lies in no
/// repository, or in somebody else's.
#[proc_macro]
pub fn commit(_: TokenStream) -> TokenStream {
    let folder = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).unwrap_or_default();
    let expression = match head(&folder.join(".git")) {
        Some((commit, read)) => {
            let watched: String = read.iter().map(|path| format!("let _ = include_bytes!({path:?});")).collect();
            format!("{{ {watched} Some({:?}) }}", &commit[..DIGITS])
        }
        None => "None::<&str>".into(),
    };
    expression.parse().expect("an expression")
}

/// The commit that is checked out, and the files that say so.
fn head(git: &Path) -> Option<(String, Vec<PathBuf>)> {
    let git = folder(git)?;
    let head = git.join("HEAD");
    let text = read_to_string(&head).ok()?;
    let Some(name) = text.trim().strip_prefix("ref: ") else { return Some((hexadecimal(&text)?, vec![head])) };
    // Branches of a worktree lie with those of all.
    let common = read_to_string(git.join("commondir")).map_or(git.clone(), |path| git.join(path.trim()));
    let branch = common.join(name);
    if let Ok(text) = read_to_string(&branch) {
        return Some((hexadecimal(&text)?, vec![head, branch]));
    }
    let packed = common.join("packed-refs");
    let text = read_to_string(&packed).ok()?;
    let line = text.lines().find_map(|line| line.strip_suffix(name)?.strip_suffix(' '))?;
    Some((hexadecimal(line)?, vec![head, packed]))
}

/// The repository's folder, to which a worktree's `.git` points.
fn folder(git: &Path) -> Option<PathBuf> {
    match git.is_dir() {
        true => Some(git.to_path_buf()),
        false => Some(git.parent()?.join(read_to_string(git).ok()?.trim().strip_prefix("gitdir: ")?)),
    }
}

/// A commit as it is written.
fn hexadecimal(text: &str) -> Option<String> {
    let text = text.trim();
    (text.len() > DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| text.into())
}
