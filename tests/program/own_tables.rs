//! Tables as their owners have them, with ids, words, gaps and semicolons: from raw rows to radii, through the program.

use crate::folder::{Folder, Run};
use rand::RngExt;
use serde_json::Value;
use std::fs;
use testing::networks::generator;
use underplane::data::npy::{NpyArray, NpyValues, write_npy};

fn records(run: &Run) -> Vec<csv::StringRecord> {
    csv::Reader::from_reader(run.out.as_bytes()).records().map(Result::unwrap).collect()
}

/// A row before it is written.
#[derive(Clone)]
pub struct Row {
    pub id: String,
    pub amount: f32,
    pub age: Option<f32>,
    pub country: Option<&'static str>,
    pub size: &'static str,
    pub fraud: bool,
}

const COUNTRIES: [&str; 3] = ["DE", "FR", "NG"];
const SIZES: [&str; 3] = ["S", "M", "L"];

pub fn rows(count: usize) -> Vec<Row> {
    let mut random = generator(7);
    let row = |i: usize| {
        let amount = (random.random_range(0.0..6.0_f32)).exp().round();
        let age = random.random_range(18..90) as f32;
        let country = COUNTRIES[random.random_range(0..3)];
        let size = SIZES[random.random_range(0..3)];
        let score = amount.ln_1p() + if country == "NG" { 2.0 } else { 0.0 } + random.random_range(-1.0..1.0);
        let gaps = (random.random_bool(0.05), random.random_bool(0.05));
        Row {
            id: format!("T{i:05}"),
            amount,
            age: (!gaps.0).then_some(age),
            country: (!gaps.1).then_some(country),
            size,
            fraud: score > 4.0,
        }
    };
    (0..count).map(row).collect()
}

pub fn text(rows: &[Row], delimiter: char) -> String {
    let mut text = "txn id;amount (EUR);age;country;size;label\n".to_string();
    for row in rows {
        let age = row.age.map_or(String::new(), |age| age.to_string());
        let label = if row.fraud { "fraud" } else { "legit" };
        let (country, amount) = (row.country.unwrap_or("NA"), row.amount);
        text += &format!("{};{amount};{age};{country};{};{label}\n", row.id, row.size);
    }
    text.replace(';', &delimiter.to_string())
}

pub const CONFIG: &str = "task = \"fraud\"\nepochs = 12\n[data]\nfile = \"t.csv\"\nlabel_column = \"label\"\n\
    sensitive = \"fraud\"\nignore = [\"txn id\"]\ncategories = [\"country\"]\nlog = [\"amount (EUR)\"]\nimpute = true\n\
    ordinal = { size = [\"S\", \"M\", \"L\"] }\n[network]\nhidden = [8, 4]\n";

/// What the training rows say, by hand; the input of a row.
fn by_hand(rows: &[Row], letters: &str) -> Vec<Vec<f32>> {
    let training = rows.iter().zip(letters.chars()).filter(|(_, letter)| *letter == 't').map(|(row, _)| row);
    let mut ages: Vec<f32> = training.filter_map(|row| row.age).collect();
    ages.sort_by(f32::total_cmp);
    let median = ages[(ages.len() - 1) / 2];
    let one = |is: bool| f32::from(u8::from(is));
    let input = |row: &Row| {
        let size = SIZES.iter().position(|size| *size == row.size).unwrap() as f32;
        let mut input = vec![(f64::from(row.amount)).ln_1p() as f32];
        input.extend([row.age.unwrap_or(median), one(row.age.is_none())]);
        input.extend(COUNTRIES.map(|country| one(row.country == Some(country))));
        input.extend([one(row.country.is_none()), size]);
        input
    };
    rows.iter().map(input).collect()
}

#[test]
fn radii_of_raw_rows_are_those_of_the_matrix_that_is_prepared_by_hand() {
    let desk = Folder::new();
    let rows = rows(400);
    desk.write("t.csv", &text(&rows, ';'));
    desk.write("fraud.toml", CONFIG);
    let trained = desk.well(&["train", "fraud.toml"]);
    assert!(trained.out.contains("fields are separated by semicolons"), "{}", trained.out);
    let record: Value = serde_json::from_slice(&fs::read(desk.path("fraud.json")).unwrap()).unwrap();
    let letters = record["preparation"]["trained_on"]["rows"].as_str().unwrap();
    assert_eq!(letters.len(), rows.len());
    let scales = record["preparation"]["scales"].as_array().unwrap().iter().map(|scale| scale.as_f64().unwrap() as f32);
    let scales: Vec<f32> = scales.collect();

    let inputs = by_hand(&rows, letters);
    let test: Vec<usize> = (0..rows.len()).filter(|&i| letters.as_bytes()[i] == b'e').collect();
    let matrix: Vec<f32> = test.iter().flat_map(|&i| inputs[i].clone()).collect();
    let array = NpyArray { shape: vec![test.len(), 8], values: NpyValues::F32(matrix) };
    write_npy(&desk.path("x.npy"), &array).unwrap();
    let weights = NpyArray { shape: vec![8], values: NpyValues::F32(scales) };
    write_npy(&desk.path("w.npy"), &weights).unwrap();

    let methods = ["--method", "closed-form,sharp", "--norm", "l1,l2,linf"];
    let raw = desk.well(&[&["certify", "fraud.onnx", "t.csv", "--split", "test"][..], &methods].concat());
    let hand = desk.well(&[&["certify", "fraud.onnx", "x.npy"][..], &methods].concat());
    let model =
        desk.well(&[&["certify", "fraud.onnx", "t.csv", "--split", "test", "--unit", "model"][..], &methods].concat());
    let weighted = desk.well(&[&["certify", "fraud.onnx", "x.npy", "--weights", "w.npy"][..], &methods].concat());
    assert_eq!(records(&raw).len(), 6 * test.len());
    for name in ["logit", "radius", "status"] {
        assert_eq!(raw.column(name), hand.column(name), "{name}");
        assert_eq!(model.column(name), weighted.column(name), "{name}");
    }
    assert!(raw.column("status").iter().filter(|status| *status == "certified").count() > test.len());
    assert_ne!(raw.column("radius"), model.column("radius"));
    // Rows are numbered as in the table, and labelled by its column.
    let numbers: Vec<String> = test.iter().flat_map(|i| vec![i.to_string(); 6]).collect();
    assert_eq!(raw.column("input"), numbers);
    assert_eq!(raw.column("label")[0], if rows[test[0]].fraud { "fraud" } else { "legit" });
    assert!(raw.err.contains("--unit model"), "{}", raw.err);
    assert!(model.err.contains("radii are in standard deviations"), "{}", model.err);

    // Proofs are about the prepared rows, and in the unit that was asked for.
    let proven = ["certify", "fraud.onnx", "t.csv", "--split", "test", "--unit", "model", "--limit", "20"];
    let proven = desk.well(&[&proven[..], &["--proofs", "proofs", "--method", "sharp"]].concat());
    let check = proven.err.lines().find_map(|line| line.split_once("underplane check ")).unwrap().1;
    let words: Vec<&str> = check.split_whitespace().collect();
    assert!(words.contains(&"--weights"), "{check}");
    desk.well(&[&["check"][..], &words].concat());
}

#[test]
fn a_box_of_a_file_has_a_line_for_every_coordinate_of_the_model() {
    let desk = Folder::new();
    desk.write("t.csv", &text(&rows(200), ';'));
    desk.write("fraud.toml", CONFIG);
    desk.well(&["train", "fraud.toml"]);
    let lines = [
        ("ln(1+|amount (EUR)|)", "0,50"),
        ("age", "0,inf"),
        ("age missing", "0,1"),
        ("country=DE", "0,1"),
        ("country=FR", "0,1"),
        ("country=NG", "0,1"),
        ("country missing", "0,1"),
        ("size", "0,2"),
    ];
    let table = |lines: &[(&str, &str)]| {
        let rows: String = lines.iter().map(|(name, ends)| format!("{name},{ends}\n")).collect();
        format!("column,lo,hi\n{rows}")
    };
    desk.write("box.csv", &table(&lines));
    let certify = ["certify", "fraud.onnx", "t.csv", "--limit", "20", "--method", "sharp", "--unit", "model"];
    let boxed = [&certify[..], &["--box", "box.csv"]].concat();
    let proven = desk.well(&[&boxed[..], &["--proofs", "proofs"]].concat());
    let check = proven.err.lines().find_map(|line| line.split_once("underplane check ")).unwrap().1;
    let words: Vec<&str> = check.split_whitespace().collect();
    assert!(words.contains(&"--weights") && words.contains(&"proofs/box.npy"), "{check}");
    desk.well(&[&["check"][..], &words].concat());
    assert_ne!(proven.column("radius"), desk.well(&certify).column("radius"), "the box must matter");

    let mut moved = lines;
    moved.swap(1, 2);
    desk.write("box.csv", &table(&moved));
    desk.run(&boxed).refused(&["box.csv: line 3", "`age`", "coordinate 1", "`age missing`"]);
    let mut narrow = lines;
    narrow[7].1 = "3,4";
    desk.write("box.csv", &table(&narrow));
    desk.run(&boxed).refused(&["coordinate 7 (`size`)", "lies outside the box [3,4] of box.csv"]);
    desk.run(&[&certify[..], &["--box", "0,50"]].concat()).refused(&["coordinate 1 (`age`)", "outside the box [0,50]"]);
    desk.write("box.csv", &table(&lines[1..]));
    desk.run(&boxed).refused(&["8 lines", "`ln(1+|amount (EUR)|)`, `age`", "and 2 more", "found 7, without `ln(1+|"]);
}

#[test]
fn the_same_rows_in_another_dialect_and_order_have_the_same_radii() {
    let desk = Folder::new();
    let rows = rows(200);
    desk.write("t.csv", &text(&rows, ';'));
    desk.write("fraud.toml", CONFIG);
    desk.well(&["train", "fraud.toml"]);
    let radii = |name: &str| desk.well(&["certify", "fraud.onnx", name, "--limit", "30", "--norm", "l2"]);
    let first = radii("t.csv");
    for (name, delimiter) in [("tabs.tsv", '\t'), ("bars.csv", '|'), ("commas.csv", ',')] {
        desk.write(name, &text(&rows, delimiter));
        assert_eq!(radii(name).column("radius"), first.column("radius"), "{name}");
    }
    // Columns go by their names.
    let moved: String = text(&rows, ';')
        .lines()
        .map(|line| {
            let mut cells: Vec<&str> = line.split(';').collect();
            cells.reverse();
            format!("{}\n", cells.join(";"))
        })
        .collect();
    desk.write("moved.csv", &moved);
    assert_eq!(radii("moved.csv").column("radius"), first.column("radius"));
    let decimals = text(&rows, ';').replacen(&format!("{};", rows[0].amount), &format!("{},0;", rows[0].amount), 1);
    desk.write("decimals.csv", &decimals);
    assert_eq!(radii("decimals.csv").column("radius"), first.column("radius"));
}

#[test]
fn what_a_model_does_not_know_is_refused_or_said() {
    let desk = Folder::new();
    let mut rows = rows(200);
    desk.write("t.csv", &text(&rows, ';'));
    desk.write("fraud.toml", CONFIG);
    desk.well(&["train", "fraud.toml"]);
    let certify = |name: &str, more: &[&str]| {
        desk.run(&[&["certify", "fraud.onnx", name, "--limit", "3", "--norm", "l2"], more].concat())
    };
    desk.write("lacks.csv", &text(&rows, ';').replace("age", "Age"));
    certify("lacks.csv", &[]).refused(&["lacks.csv: line 1", "`age`"]);
    rows[1].country = Some("XX");
    desk.write("unknown.csv", &text(&rows, ';'));
    let run = certify("unknown.csv", &[]);
    assert!(run.code == 0 && run.err.contains("1 words that training did not have"), "{}", run.err);
    rows[2].size = "XXL";
    desk.write("ordinal.csv", &text(&rows, ';'));
    certify("ordinal.csv", &[]).refused(&["ordinal.csv: line 4, column 5", "{S, M, L}", "`XXL`"]);
    certify("unknown.csv", &["--split", "test"]).refused(&["--split", "SHA-256"]);
    certify("t.csv", &["--split", "rest"]).refused(&["train, validation or test"]);
    certify("t.csv", &["--unit", "euro"]).refused(&["raw or model"]);
    desk.write("both.csv", "a;b,c\n1;2,3\n");
    certify("both.csv", &[]).refused(&["--delimiter", "commas or by semicolons"]);

    // Without a word for gaps in training there is none later.
    let whole: Vec<Row> = rows.iter().filter(|row| row.age.is_some() && row.country.is_some()).cloned().collect();
    let whole: Vec<Row> = whole.into_iter().filter(|row| row.size != "XXL" && row.country != Some("XX")).collect();
    desk.write("t.csv", &text(&whole, ';'));
    desk.well(&["train", "fraud.toml"]);
    certify("unknown.csv", &[]).refused(&[
        "unknown.csv: line 3, column 4",
        "a word of `country` that training had (DE, FR, NG)",
        "`XX`",
    ]);
    let run = certify("unknown.csv", &["--drop-missing"]);
    assert!(run.code == 0 && run.err.contains("with a word that training did not have"), "{}", run.err);
    let mut gaps = whole;
    (gaps[0].country, gaps[1].age) = (None, None);
    desk.write("gap.csv", &text(&gaps, ';'));
    let told = "line 2, column 4: expected a word in `country`, found a missing value (`NA`)";
    certify("gap.csv", &[]).refused(&[told, "--drop-missing"]);
    gaps[0].country = Some("DE");
    desk.write("gap.csv", &text(&gaps, ';'));
    let told = "line 3, column 3: expected a number in `age`, found a missing value;";
    certify("gap.csv", &[]).refused(&[told, "--drop-missing"]);
}

#[test]
fn configs_are_refused_where_they_do_not_fit_the_table() {
    let desk = Folder::new();
    desk.write("t.csv", &text(&rows(100), ';'));
    for (from, to, parts) in [
        ("ignore = [\"txn id\"]\n", "", ["line 2, column 1", "`ignore = [\"txn id\"]`"]),
        ("categories = [\"country\"]\n", "", ["column 4", "`categories = [\"country\"]`"]),
        ("\"txn id\"", "\"txn-id\"", ["a column `txn-id`, which `ignore` names", "did you mean `txn id`?"]),
        (
            "[\"country\"]",
            "[\"country\", \"size\"]",
            ["one place of the config", "`size` in categories and in ordinal"],
        ),
        ("[\"txn id\"]", "[\"txn id\", \"label\"]", ["one place of the config", "label_column"]),
        ("impute = true\n", "", ["missing value", "`impute = true`"]),
        (", \"L\"]", "]", ["one of {S, M}", "`L`"]),
    ] {
        desk.write("fraud.toml", &CONFIG.replace(from, to));
        let run = desk.run(&["train", "fraud.toml"]);
        run.refused(&parts);
    }
}

#[test]
fn a_config_is_guessed_that_trains() {
    let desk = Folder::new();
    let rows = rows(300);
    desk.write("t.csv", &text(&rows, ';'));
    let guessed = desk.well(&["train", "--print-config", "t.csv"]).out;
    for part in [
        "label_column = \"label\"",
        "ignore = [\"txn id\"]",
        "categories = [\"country\", \"size\"]",
        "impute = true",
        "country: 3 words (DE, FR, NG)",
        "# guessed: the rarest label is the class that is certified\nsensitive = ",
    ] {
        assert!(guessed.contains(part), "`{part}` is not in {guessed}");
    }
    desk.write("t.toml", &guessed);
    desk.well(&["train", "t.toml", "--epochs", "3"]);
    let run = desk.well(&["certify", "t.onnx", "t.csv", "--limit", "5"]);
    assert_eq!(records(&run).len() % 15, 0);
    let example = desk.well(&["train", "--print-config"]).out;
    assert!(example.contains("label_column") && example.contains("[radii]"), "{example}");
    desk.run(&["train"]).refused(&["CONFIG.toml"]);
    desk.run(&["train", "t.csv"]).refused(&["--print-config t.csv"]);
    desk.run(&["train", "--print-config", "t.csv", "--label-column", "no"]).refused(&["a label column `no`"]);
    let named = |label: &str| desk.run(&["train", "--print-config", "t.csv", "--sensitive", label]);
    named("Fraud").refused(&["rows labelled `Fraud` in column `label`", "fraud (", "legit (", "did you mean `fraud`?"]);
    let legit = named("legit").out;
    assert!(legit.contains("sensitive = \"legit\"") && !legit.contains("the rarest label"), "{legit}");
    desk.write("far.csv", "far,label\n123456789,a\n1,b\n-0.1,b\n");
    assert!(desk.well(&["train", "--print-config", "far.csv"]).out.contains("far: numbers from -0.1 to 123456789"));
}

#[test]
fn an_audit_says_which_columns_move() {
    let desk = Folder::new();
    desk.write("t.csv", &text(&rows(200), ';'));
    desk.write("fraud.toml", CONFIG);
    desk.well(&["train", "fraud.toml"]);
    let run =
        desk.run(&["audit", "fraud.onnx", "t.csv", "--split", "test", "--norm", "l1", "--method", "closed-form,exact"]);
    assert!(run.out.contains("report and records: "), "{}{}", run.out, run.err);
    let folder = fs::read_dir(desk.path("reports")).unwrap().next().unwrap().unwrap().path();
    let found: Vec<_> =
        csv::Reader::from_path(folder.join("witnesses.csv")).unwrap().records().map(Result::unwrap).collect();
    let told: Vec<&str> = found.iter().filter(|row| !row[4].is_empty()).map(|row| &row[6]).collect();
    assert!(
        !told.is_empty() && told.iter().all(|change| change.contains("` ") && change.contains("would pass")),
        "{told:?}"
    );
}

#[test]
fn leaks_and_twins_are_said() {
    let desk = Folder::new();
    let mut text = "a,twin,leak,same,label\n".to_string();
    let mut random = generator(3);
    for i in 0..200 {
        let (a, class) = (random.random_range(0..1000), i % 3 == 0);
        let label = if class { "bad" } else { "good" };
        text += &format!("{a},{a},{},7,{label}\n", if class { 5 + i % 7 } else { i % 5 });
    }
    desk.write("t.csv", &text);
    desk.write(
        "t.toml",
        "task = \"t\"\nepochs = 2\n[data]\nfile = \"t.csv\"\nlabel_column = \"label\"\nsensitive = \"bad\"\n",
    );
    let run = desk.well(&["train", "t.toml"]);
    for part in [
        "warning: columns `a` and `twin` hold the same",
        "warning: column `leak` alone tells the label of every row: a leak?",
        "warning: column `same` holds one value only, `7`",
    ] {
        assert!(run.out.contains(part), "`{part}` is not in {}", run.out);
    }
    assert!(!run.out.contains("column `a` alone"), "{}", run.out);
    // So slow a network has learnt nothing.
    let slow = fs::read_to_string(desk.path("t.toml")).unwrap() + "[optimiser]\nrate = 1e-9\n";
    desk.write("slow.toml", &slow);
    let run = desk.well(&["train", "slow.toml"]);
    assert!(run.out.contains("warning: the logistic regression is more accurate on the "), "{}", run.out);
    assert!(run.out.contains("`threshold = \"accuracy\"`"), "{}", run.out);
}

#[test]
fn arff_files_are_tables() {
    let desk = Folder::new();
    let mut text =
        "@relation t\n@attribute 'the size' numeric\n@attribute kind {x,'y z'}\n@attribute class {good,bad}\n@data\n"
            .to_string();
    let mut random = generator(5);
    for i in 0..120 {
        let (u, class) = (random.random_range(0.0..1.0), i % 2 == 0);
        let size = if i == 7 { "?".into() } else { format!("{:.3}", if class { u + 0.6 } else { u }) };
        text += &format!("{size},{},{}\n", if i % 3 == 0 { "x" } else { "'y z'" }, if class { "bad" } else { "good" });
    }
    desk.write("t.arff", &text);
    desk.write(
        "t.toml",
        "task = \"t\"\nepochs = 5\n[data]\nfile = \"t.arff\"\nlabel_column = \"class\"\nsensitive = \"bad\"\n\
         categories = [\"kind\"]\nimpute = true\n",
    );
    desk.well(&["train", "t.toml"]);
    let run = desk.well(&["certify", "t.onnx", "t.arff", "--split", "test", "--norm", "linf"]);
    assert!(
        run.column("label").contains(&"bad".to_string()) && run.column("status").contains(&"certified".to_string())
    );
}

#[test]
fn own_tables_are_exported_as_the_model_takes_them() {
    let desk = Folder::new();
    desk.write("t.csv", &text(&rows(200), ';'));
    desk.write("fraud.toml", CONFIG);
    desk.well(&["train", "fraud.toml"]);
    desk.well(&["data", "export", "fraud.toml", "--split", "test", "--out", "out"]);
    let exported = desk.well(&["certify", "fraud.onnx", "out/inputs.npy", "--norm", "l2"]);
    let raw = desk.well(&["certify", "fraud.onnx", "t.csv", "--split", "test", "--norm", "l2"]);
    let sorted = |run: &Run| {
        let mut radii = run.column("logit");
        radii.sort();
        radii
    };
    assert_eq!(sorted(&exported), sorted(&raw));
}
