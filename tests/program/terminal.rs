//! What a person at a terminal sees, and what a script at a pipe gets.

use crate::folder::{Folder, Run};
use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};
use testing::naive_proofs::npy;
use underplane::model::{Dense, Graph, Kink, Layer, onnx};

/// With m.onnx, max(x₀, 0) + 2·max(x₁ − ½, 0) − ¼, and four inputs, one of them of the other class, as x.npy and x.csv.
fn desk() -> Folder {
    let desk = Folder::new();
    let mut graph = Graph::new("x", &[2]);
    let shifted = graph.push("shifted", Layer::Shift(vec![0.0, -0.5]), &[0]).unwrap();
    let kink = graph.push("kink", Layer::Kink(Kink::RELU), &[shifted]).unwrap();
    let out = Dense { rows: 1, cols: 2, weight: vec![1.0, 2.0], bias: vec![-0.25] };
    graph.push("out", Layer::Dense(out), &[kink]).unwrap();
    onnx::write(&graph, &desk.path("m.onnx")).unwrap();
    let inputs = [[1.0, 0.5], [0.75, 1.0], [0.0, 0.0], [2.0, 3.0]];
    let values: Vec<f32> = inputs.concat();
    fs::write(desk.path("x.npy"), rows(&values)).unwrap();
    let lines: String = inputs.iter().map(|[a, b]| format!("{a},{b}\n")).collect();
    desk.write("x.csv", &format!("a,b\n{lines}"));
    desk
}

/// Two coordinates each.
fn rows(values: &[f32]) -> Vec<u8> {
    underplane::proof::npy(&values.iter().map(|&value| f64::from(value)).collect::<Vec<_>>(), 2)
}

fn program(desk: &Folder, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_underplane"));
    command.args(words).current_dir(desk.path(".")).env_remove("COLUMNS");
    command
}

fn ended(output: std::process::Output) -> Run {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Run { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

/// With stdout a terminal of so many columns.
#[cfg(unix)]
fn on_screen(desk: &Folder, columns: u16, words: &[&str]) -> Run {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use rustix::termios::{Winsize, tcsetwinsize};
    use std::io::Read as _;
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let slave = fs::OpenOptions::new().read(true).write(true).open(name.to_str().unwrap()).unwrap();
    tcsetwinsize(&slave, Winsize { ws_row: 0, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
    let child = program(desk, words).stdin(Stdio::null()).stdout(slave).stderr(Stdio::piped()).spawn().unwrap();
    let (mut seen, mut piece) = (Vec::new(), [0; 4096]);
    let mut master = fs::File::from(master);
    // The end of a terminal that nobody writes to any more is an error.
    while let Ok(count @ 1..) = master.read(&mut piece) {
        seen.extend(&piece[..count]);
    }
    let run = ended(child.wait_with_output().unwrap());
    Run { out: String::from_utf8(seen).unwrap().replace("\r\n", "\n"), ..run }
}

fn widest(text: &str) -> usize {
    text.lines().map(|line| line.chars().count()).max().unwrap_or(0)
}

/// Lines may be broken anywhere.
fn on_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Without the column of seconds.
fn timeless(rows: &str) -> Vec<String> {
    let is_kept = |(k, _): &(usize, &str)| *k != 10;
    let line = |line: &str| line.split(',').enumerate().filter(is_kept).map(|(_, cell)| format!("{cell},")).collect();
    rows.lines().map(line).collect()
}

const CERTIFY: [&str; 7] =
    ["certify", "m.onnx", "x.npy", "--norm", "l1,linf", "--method", "closed-form,exact,smoothing"];

#[cfg(unix)]
#[test]
fn a_terminal_gets_sentences_and_a_table_that_fits_and_a_pipe_the_rows() {
    let desk = desk();
    let words = [&CERTIFY[..], &["--samples", "200"]].concat();
    let narrow = on_screen(&desk, 80, &words);
    assert_eq!(narrow.code, 0, "{}", narrow.err);
    assert!(widest(&narrow.out) <= 80, "{}", narrow.out);
    for part in [
        "4 inputs, 3 classified as sensitive (f > 0); radii in input units",
        "All 3 inputs of the sensitive class stay in it under every change of l1 size up to 0.",
        "of linf size",
        "│ closed-form ",
        "not shown: subject, seconds, detail",
        "--wide",
    ] {
        assert!(on_one_line(&narrow.out).contains(part), "{part}: {}", narrow.out);
    }
    let broad = on_screen(&desk, 200, &words);
    assert!(widest(&broad.out) > 80 && widest(&broad.out) <= 200, "{}", broad.out);
    let all = on_screen(&desk, 40, &[&words[..], &["--wide"]].concat());
    for name in ["input", "norm", "method", "status", "guarantee", "subject", "detail", "radius", "upper", "logit"] {
        assert!(all.out.contains(&format!(" {name} ")), "{name}: {}", all.out);
    }
    // A colour would be a byte 27.
    assert!(!narrow.out.contains('\u{1b}'));

    let piped = ended(program(&desk, &words).output().unwrap());
    assert!(
        piped.out.starts_with("input,label,logit,norm,method,subject,radius,upper,guarantee,status,seconds,detail\n")
    );
    assert_eq!(piped.out.lines().count(), 1 + 4 * 2 * 3);
    let asked = on_screen(&desk, 80, &[&words[..], &["--out", "-"]].concat());
    assert_eq!(timeless(&asked.out), timeless(&piped.out), "rows that are asked for are rows on a terminal too");
    let set = ended(program(&desk, &words).env("COLUMNS", "40").output().unwrap());
    assert_eq!(timeless(&set.out), timeless(&piped.out), "a pipe has no columns");
}

#[test]
fn tables_of_an_audit_fit_the_columns() {
    let desk = desk();
    let audit = |columns: &str, more: &[&str]| {
        let words = [&["audit", "m.onnx", "x.npy", "--samples", "200"][..], more].concat();
        let run = ended(program(&desk, &words).env("COLUMNS", columns).output().unwrap());
        assert_eq!(run.code, 0, "{}{}", run.out, run.err);
        run.out
    };
    let table = |text: &str| -> String {
        text.lines().filter(|l| l.starts_with(['┌', '│', '├', '└'])).map(|l| format!("{l}\n")).collect()
    };
    let (narrow, broad) = (audit("80", &[]), audit("200", &[]));
    assert!(widest(&table(&narrow)) <= 80 && narrow.contains("not shown: × closed form, gap (max)"), "{narrow}");
    assert!(widest(&table(&broad)) <= 200 && !broad.contains("not shown"), "{broad}");
    let sentence = "All 3 inputs of the sensitive class stay in it under every change of l2 size up to";
    let (above, below) = (broad.find(sentence).expect(&broad), broad.find('┌').unwrap());
    assert!(above < below, "{broad}");
    let wide = audit("80", &["--wide"]);
    assert!(wide.contains("│ × closed form │") && !wide.contains("not shown"), "{wide}");
}

#[test]
fn a_quiet_program_says_nothing_but_errors() {
    let desk = desk();
    let loud = ended(program(&desk, &["certify", "m.onnx", "x.csv", "--proofs", "p"]).output().unwrap());
    assert!(loud.err.contains("certificates"), "{}", loud.err);
    let quiet = ended(program(&desk, &["certify", "m.onnx", "x.csv", "--proofs", "p", "--quiet"]).output().unwrap());
    assert_eq!((quiet.code, quiet.err.as_str()), (0, ""));
    assert_eq!(timeless(&quiet.out), timeless(&loud.out));
    let check = ["--quiet", "check", "m.onnx", "p/inputs.npy", "p/certificates.jsonl"];
    let quiet = ended(program(&desk, &check).output().unwrap());
    assert_eq!((quiet.code, quiet.err.as_str()), (0, ""), "{}", quiet.out);
    let wrong = ended(program(&desk, &["certify", "m.onnx", "absent.csv", "--quiet"]).output().unwrap());
    assert!(wrong.code == 2 && wrong.err.starts_with("error: "), "{}", wrong.err);
}

#[test]
fn the_version_has_its_commit() {
    let out = ended(program(&desk(), &["--version"]).output().unwrap()).out;
    let rest = out.trim_end().strip_prefix(concat!("underplane ", env!("CARGO_PKG_VERSION"))).expect(&out);
    let commit = rest.strip_prefix(" (").and_then(|rest| rest.strip_suffix(')'));
    let is_commit = |text: &str| text.len() == 9 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let in_checkout = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(".git").exists();
    assert!(if in_checkout { commit.is_some_and(is_commit) } else { rest.is_empty() }, "{out}");
}

#[test]
fn shells_and_readers_are_told_of_every_subcommand() {
    let desk = desk();
    let help = desk.well(&["--help"]).out;
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let commands: Vec<&str> =
        commands.filter_map(|line| line.split_whitespace().next()).filter(|c| *c != "help").collect();
    assert!(commands.len() >= 10, "{help}");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = desk.well(&["completions", shell]).out;
        for word in commands.iter().chain(&["wide", "norm", "quiet"]) {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    desk.run(&["completions", "csh"]).refused(&["bash"]);
    assert!(desk.well(&["man"]).out.starts_with(".ie") || desk.well(&["man"]).out.contains(".TH underplane 1"));
    desk.well(&["man", "--out", "man"]);
    for command in &commands {
        let page = fs::read_to_string(desk.path(&format!("man/underplane-{command}.1"))).expect(command);
        assert!(page.contains(&format!("underplane\\-{command}")) && page.contains("quiet"), "{page}");
    }
    assert!(fs::read_to_string(desk.path("man/underplane-data-fetch.1")).unwrap().contains(".TH"));
}

fn through_stdin(desk: &Folder, words: &[&str], bytes: &[u8]) -> Run {
    let mut child =
        program(desk, words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(bytes).unwrap();
    ended(child.wait_with_output().unwrap())
}

#[test]
fn inputs_come_through_stdin_whatever_they_are() {
    let desk = desk();
    let words = |inputs: &'static str| ["certify", "m.onnx", inputs, "--norm", "l2", "--method", "sharp"];
    let expected = timeless(&desk.well(&words("x.npy")).out);
    for (name, bytes) in [
        ("-", fs::read(desk.path("x.npy")).unwrap()),
        ("-", fs::read(desk.path("x.csv")).unwrap()),
        #[cfg(unix)]
        ("/dev/stdin", fs::read(desk.path("x.csv")).unwrap()),
        #[cfg(unix)]
        ("/dev/stdin", fs::read(desk.path("x.npy")).unwrap()),
    ] {
        let run = through_stdin(&desk, &words(name), &bytes);
        assert_eq!((run.code, timeless(&run.out)), (0, expected.clone()), "{name}: {}", run.err);
    }
    // Its certificates are about a copy that stays.
    let run = through_stdin(&desk, &[&words("-")[..], &["--proofs", "p"]].concat(), &npy(&[1.0, 2.0]));
    let command = run.err.lines().find_map(|line| line.strip_prefix("check them: underplane ")).expect(&run.err);
    assert!(command.contains("inputs.npy"), "{command}");
    desk.well(&command.split(' ').collect::<Vec<_>>());
    let audited = ["audit", "m.onnx", "-", "--norm", "l2", "--method", "sharp,exact"];
    let run = through_stdin(&desk, &audited, &fs::read(desk.path("x.npy")).unwrap());
    assert_eq!(run.code, 0, "{}", run.err);
    let run = through_stdin(&desk, &words("-"), b"");
    assert!(run.code == 2 && run.err.contains("stdin.csv") && run.err.contains("empty file"), "{}", run.err);
}

#[cfg(unix)]
#[test]
fn a_named_pipe_is_read_once() {
    let desk = desk();
    let made = Command::new("mkfifo").arg(desk.path("rows")).status().unwrap();
    assert!(made.success());
    let (from, to) = (fs::read(desk.path("x.csv")).unwrap(), desk.path("rows"));
    let writer = std::thread::spawn(move || fs::write(to, from));
    let run = desk.well(&["certify", "m.onnx", "rows", "--out", "out.csv"]);
    writer.join().unwrap().unwrap();
    assert_eq!(fs::read_to_string(desk.path("out.csv")).unwrap().lines().count(), 1 + 4 * 3, "{}", run.err);
}
