//! Tasks from files of their sources' form with made-up content: the same code as for the real ones.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use std::collections::HashMap;
use std::fs;
use std::path::Path;
use tempfile::TempDir;
use underplane::data::sources::{SOURCES, source};
use underplane::data::split::stratified;
use underplane::data::store::Store;
use underplane::data::tasks::{RECIPES, build_task, recipe};
use underplane::data::{Dataset, Task, load_task, task_names};

/// Writes files of a source into a fresh data directory.
fn folder(source: &str, files: &[(&str, Vec<u8>)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join(source)).unwrap();
    for (name, bytes) in files {
        fs::write(folder.path().join(source).join(name), bytes).unwrap();
    }
    folder
}

fn build(name: &str, source_name: &str, files: &[(&str, Vec<u8>)], seed: u64) -> Result<Task, String> {
    let folder = folder(source_name, files);
    let store = Store::without_checksums(source(source_name).unwrap(), folder.path());
    build_task(recipe(name).unwrap(), &store, seed).map_err(|error| error.to_string())
}

fn sides(task: &Task) -> [&Dataset; 3] {
    [&task.train, &task.validation, &task.test]
}

/// What every task promises.
fn assert_clean(task: &Task) {
    let mut seen: HashMap<Vec<u32>, (usize, bool)> = HashMap::new();
    for (number, side) in sides(task).into_iter().enumerate() {
        assert_eq!(side.inputs.len(), side.len() * side.features());
        assert!(side.sensitive.contains(&true) && side.sensitive.contains(&false), "a class is missing");
        for i in 0..side.len() {
            for &value in side.input(i) {
                assert!(value.is_finite() && task.range.is_none_or(|(low, high)| (low..=high).contains(&value)));
            }
            let vector = side.input(i).iter().map(|x| (x + 0.0).to_bits()).collect();
            let earlier = *seen.entry(vector).or_insert((number, side.sensitive[i]));
            assert_eq!(earlier, (number, side.sensitive[i]), "a vector on two sides or with two labels");
        }
    }
}

fn total(task: &Task) -> usize {
    sides(task).iter().map(|side| side.len()).sum()
}

fn noted(task: &Task, part: &str) {
    assert!(task.notes.iter().any(|note| note.contains(part)), "{:?}: no `{part}`", task.notes);
}

/// Made-up e-mails: `distinct` different ones, then one copy each of the first `repeats`, then the next `torn` ones
/// again with the other label.
fn mails(distinct: usize, repeats: usize, torn: usize) -> Vec<u8> {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut rows = Vec::new();
    for i in 0..distinct {
        let cells: Vec<String> = (0..57).map(|_| format!("{:.2}", (random.next_u32() % 1000) as f32 / 100.0)).collect();
        rows.push((cells.join(","), i % 3 == 0));
    }
    rows.extend_from_within(..repeats);
    rows.extend_from_within(repeats..repeats + torn);
    for (_, spam) in rows.iter_mut().rev().take(torn) {
        *spam = !*spam;
    }
    rows.iter().map(|(cells, spam)| format!("{cells},{}\n", u8::from(*spam))).collect::<String>().into_bytes()
}

#[test]
fn spambase_form() {
    let files = [("spambase.data", mails(300, 20, 7))];
    let task = build("spambase", "spambase", &files, 5).unwrap();
    assert_clean(&task);
    assert_eq!(total(&task), 293);
    noted(&task, "14 samples dropped with 7 vectors that carry both labels, 20 repeats of a vector dropped");
    let share = |side: &Dataset| side.len() as f64 / 293.0;
    assert!((share(&task.test) - 0.2).abs() < 0.01 && (share(&task.validation) - 0.1).abs() < 0.01);
    for column in 0..57 {
        let values: Vec<f64> = task.train.inputs.iter().skip(column).step_by(57).map(|&x| f64::from(x)).collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / values.len() as f64;
        assert!(mean.abs() < 1e-6 && (variance - 1.0).abs() < 1e-5, "column {column}: {mean}, {variance}");
    }
}

#[test]
fn the_columns_turn_raw_rows_into_inputs_bit_for_bit() {
    let text = mails(120, 0, 0);
    let task = build("spambase", "spambase", &[("spambase.data", text.clone())], 2).unwrap();
    assert_eq!(task.columns.len(), 57);
    assert!(task.columns.iter().all(|column| column.transform == "ln(1 + 10x)" && column.divisor > 0.0));
    let input = |row: &str| -> Vec<u32> {
        let raw = row.split(',').map(|cell| cell.parse::<f64>().unwrap());
        let made = raw.zip(&task.columns).map(|(x, column)| {
            let transformed = f64::from((10.0 * x).ln_1p() as f32);
            ((transformed - column.mean) / column.divisor) as f32
        });
        made.map(|value| (value + 0.0).to_bits()).collect()
    };
    let known: std::collections::HashSet<Vec<u32>> = String::from_utf8(text).unwrap().lines().map(input).collect();
    for side in sides(&task) {
        for i in 0..side.len() {
            assert!(known.contains(&side.input(i).iter().map(|v| v.to_bits()).collect::<Vec<_>>()));
        }
    }
}

#[test]
fn the_seed_alone_decides_the_split() {
    let files = [("spambase.data", mails(100, 5, 2))];
    let make = |seed| build("spambase", "spambase", &files, seed).unwrap();
    let (first, again, other) = (make(5), make(5), make(6));
    for (a, b) in sides(&first).into_iter().zip(sides(&again)) {
        assert_eq!(a, b);
    }
    assert_ne!(first.test.inputs, other.test.inputs);
    // No update of a library may move the samples of published splits.
    let sensitive: Vec<bool> = (0..12).map(|i| i % 3 == 0).collect();
    let parts = stratified(&sensitive, &[0.25, 0.25], 7);
    assert_eq!(parts, PINNED.map(Vec::from));
}

const PINNED: [&[usize]; 3] = [&[1, 0, 8], &[6, 10, 4], &[2, 3, 5, 7, 9, 11]];

#[test]
fn faulty_spambase_is_refused() {
    let good = String::from_utf8(mails(50, 0, 0)).unwrap();
    let cases = [
        (good.replacen(",1\n", ",2\n", 1), "column 58: expected one of {0, 1} for `58`, found `2`"),
        (good.replacen("0.", "-0.", 1), "0 or more"),
        (good.replacen("1.", "x1.", 1), "a finite number"),
        ("1,2\n".repeat(9), "expected 58 fields, found 2"),
        (good.lines().filter(|line| line.ends_with(",0")).map(|line| format!("{line}\n")).collect(), "both classes"),
        (good.lines().take(2).map(|line| format!("{line}\n")).collect(), "both classes"),
        (String::new(), "at least one row"),
    ];
    for (text, part) in cases {
        let message = build("spambase", "spambase", &[("spambase.data", text.into_bytes())], 0).unwrap_err();
        assert!(message.contains(part), "{message}: no `{part}`");
    }
}

/// All 3^4 vectors of four features, some twice, labels by a rule; then two contradictions.
fn sites() -> Vec<u8> {
    let mut text = String::from("@relation phishing\n@attribute a {-1,0,1}\n@attribute b {1,0,-1}\n");
    text.push_str("@attribute Result {-1,1}\n@attribute c {0,1,-1}\n@attribute d {-1,0,1}\n@data\n");
    let mut row = |code: usize, result: i32| {
        let [a, b, c, d] = [1, 3, 9, 27].map(|unit| (code / unit % 3) as i32 - 1);
        text.push_str(&format!("{a},{b},{result},{c},{d}\n"));
    };
    for code in 0..81 {
        row(code, if code % 4 == 0 { -1 } else { 1 });
    }
    row(10, 1);
    row(0, 1);
    row(80, 1);
    text.into_bytes()
}

#[test]
fn phishing_form() {
    let task = build("phishing", "phishing", &[("Training Dataset.arff", sites())], 0).unwrap();
    assert_clean(&task);
    noted(&task, "4 samples dropped with 2 vectors that carry both labels, 1 repeats");
    assert_eq!((total(&task), task.train.features()), (79, 4));
    for side in sides(&task) {
        for i in 0..side.len() {
            let x = side.input(i);
            let code: f32 = (0..4).map(|k| (x[k] + 1.0) * 3f32.powi(k as i32)).sum();
            assert_eq!(side.sensitive[i], (code as usize).is_multiple_of(4), "−1 means phishing, the sensitive class");
        }
    }
    let unknown = String::from_utf8(sites()).unwrap().replace("-1,-1,-1,-1,-1", "-1,-1,-1,-1,2");
    let message = build("phishing", "phishing", &[("Training Dataset.arff", unknown.into())], 0).unwrap_err();
    assert!(message.contains("line 8, column 5: expected one of {-1, 0, 1} for `d`, found `2`"), "{message}");
    let numeric = b"@relation r\n@attribute a real\n@attribute Result {-1,1}\n@data\n1,1\n".to_vec();
    let message = build("phishing", "phishing", &[("Training Dataset.arff", numeric)], 0).unwrap_err();
    assert!(message.contains("categories among"), "{message}");
    let unlabelled = b"@relation r\n@attribute a {1}\n@data\n1\n".to_vec();
    let message = build("phishing", "phishing", &[("Training Dataset.arff", unlabelled)], 0).unwrap_err();
    assert!(message.contains("an attribute `Result`"), "{message}");
}

#[test]
fn drebin_form() {
    let mut text = String::from("p,q,r,s,t,u,class\n");
    for code in 0..64 {
        let bits: Vec<String> = (0..6).map(|k| (code >> k & 1).to_string()).collect();
        text.push_str(&format!("{},{}\n", bits.join(","), if code % 3 == 0 { 'S' } else { 'B' }));
    }
    text.push_str("0,1,?,0,0,0,S\n1,1,1,1,1,1,S\n");
    let task = build("drebin", "drebin", &[("drebin215.csv", text.clone().into())], 3).unwrap();
    assert_clean(&task);
    noted(&task, "66 apps read, 1 rows with unknown cells");
    assert_eq!((total(&task), task.columns.len()), (64, 6));
    assert!(task.columns.iter().all(|column| (column.transform, column.mean, column.divisor) == ("x", 0.0, 1.0)));
    for (from, to, part) in [
        ("0,0,0,0,0,0,S", "0,0,0,0,0,0,M", "line 2, column 7: expected one of {B, S}"),
        ("0,0,0,0,0,0,S", "0,0,0,0,0,2,S", "line 2, column 6: expected one of {0, 1, ?}"),
        ("u,class", "u,klass", "one column `class`"),
    ] {
        let message =
            build("drebin", "drebin", &[("drebin215.csv", text.replacen(from, to, 1).into())], 3).unwrap_err();
        assert!(message.contains(part), "{message}: no `{part}`");
    }
}

fn idx(lengths: &[u32], data: Vec<u8>) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, lengths.len() as u8];
    bytes.extend(lengths.iter().flat_map(|length| length.to_be_bytes()));
    bytes.extend(data);
    bytes
}

/// Images of one grey level each.
fn images(part: &[(u8, u8)]) -> [Vec<u8>; 2] {
    let n = part.len() as u32;
    let pixels = part.iter().flat_map(|&(grey, _)| [grey; 784]).collect();
    [idx(&[n, 28, 28], pixels), idx(&[n], part.iter().map(|&(_, label)| label).collect())]
}

fn digit_files(train: &[(u8, u8)], test: &[(u8, u8)]) -> Vec<(&'static str, Vec<u8>)> {
    let [train_images, train_labels] = images(train);
    let [test_images, test_labels] = images(test);
    vec![
        ("train-images-idx3-ubyte", train_images),
        ("train-labels-idx1-ubyte", train_labels),
        ("t10k-images-idx3-ubyte", test_images),
        ("t10k-labels-idx1-ubyte", test_labels),
    ]
}

#[test]
fn mnist_form() {
    // Greys 0–99: digits 3, 8 and 5 in turn; 0 and 1 again; 2 is a 5 and does not count.
    let mut train: Vec<(u8, u8)> = (0..100).map(|grey| (grey, [3, 8, 5][usize::from(grey) % 3])).collect();
    train.extend([(0, 3), (1, 8)]);
    // 200 and 201 are new, 200 twice; 3 and 4 are training images too; 6 is an 8 here and a 3 there.
    let test = [(200, 3), (201, 8), (200, 3), (3, 3), (4, 8), (6, 8), (77, 5)];
    let task = build("mnist-3-8", "mnist", &digit_files(&train, &test), 0).unwrap();
    assert_clean(&task);
    assert_eq!(task.train.shape, [1, 28, 28]);
    noted(&task, "2 samples dropped with 1 vectors that carry both labels, 2 repeats of a vector dropped, 2 training");
    let greys: Vec<f32> = (0..task.test.len()).map(|i| task.test.input(i)[0] * 255.0).collect();
    assert_eq!(greys, [200.0, 201.0, 200.0, 3.0, 4.0], "the official order and its repeats stay");
    assert_eq!(task.test.sensitive, [true, false, true, true, false]);
    // 67 threes and eights, less the grey 6, less 3 and 4.
    assert_eq!((task.train.len() + task.validation.len(), task.validation.len()), (64, 6));
}

#[test]
fn faulty_mnist_is_refused() {
    let good: Vec<(u8, u8)> = (0..60).map(|grey| (grey, [3, 8][usize::from(grey) % 2])).collect();
    let test: Vec<(u8, u8)> = (100..110).map(|grey| (grey, [3, 8][usize::from(grey) % 2])).collect();
    let whole = digit_files(&good, &test);
    assert!(build("mnist-3-8", "mnist", &whole, 0).is_ok());
    let change = |at: usize, bytes: Vec<u8>| {
        let mut files = whole.clone();
        files[at].1 = bytes;
        build("mnist-3-8", "mnist", &files, 0).unwrap_err()
    };
    let message = change(1, idx(&[59], vec![3; 59]));
    assert!(message.contains("shape [59, 28, 28]") && message.contains("train-images"), "{message}");
    let message = change(2, idx(&[10, 14, 56], vec![3; 7840]));
    assert!(message.contains("t10k-images") && message.contains("[10, 14, 56]"), "{message}");
    assert!(change(3, vec![]).contains("t10k-labels"));
    let message = build("mnist-3-8", "mnist", &whole[..3], 0).unwrap_err();
    assert!(message.contains("t10k-labels-idx1-ubyte of `mnist` is not in"), "{message}");
    assert!(message.contains("ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"), "{message}");
}

#[test]
fn cifar_form_whole_and_extract_agree() {
    let record = |grey: u8, label: u8| [vec![label], vec![grey; 3072]].concat();
    let batch =
        |number: u8| (0..12).flat_map(move |i| record(number * 12 + i, [3, 5, 7][usize::from(i) % 3])).collect();
    let names = ["data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"];
    let mut files: Vec<(&str, Vec<u8>)> = names.into_iter().zip((0..5).map(batch)).collect();
    files.push(("test_batch.bin", batch(5)));
    let whole = build("cifar-cats-dogs", "cifar-10", &files, 1).unwrap();
    assert_clean(&whole);
    assert_eq!((total(&whole), whole.train.shape.as_slice()), (48, &[3, 32, 32][..]));
    let pets = |bytes: &[u8]| -> Vec<u8> {
        bytes.chunks(3073).filter(|record| [3, 5].contains(&record[0])).flatten().copied().collect()
    };
    let train: Vec<u8> = files[..5].iter().flat_map(|(_, bytes)| pets(bytes)).collect();
    let extract_files = [("train.bin", train), ("test.bin", pets(&files[5].1))];
    let extract = build("cifar-cats-dogs", "cifar-cats-dogs", &extract_files, 1).unwrap();
    for (a, b) in sides(&whole).into_iter().zip(sides(&extract)) {
        assert_eq!(a, b);
    }
}

#[test]
fn clamp_form() {
    let mut text = String::from("size,fixed,packer_type,entropy,class\n");
    for i in 0..60 {
        text.push_str(&format!("{},7,NoPacker,{}.25,{}\n", 10i64.pow(i % 10) * i64::from(i), i % 7, i % 2));
    }
    let task = build("clamp", "clamp", &[("ClaMP_Integrated-5184.csv", text.clone().into())], 0).unwrap();
    assert_clean(&task);
    noted(&task, "columns left out that hold one value throughout: fixed");
    assert_eq!(task.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>(), ["size", "entropy"]);
    assert_eq!(task.train.features(), 2);
    let broken = text.replacen("7,NoPacker", "seven,NoPacker", 1);
    let message = build("clamp", "clamp", &[("ClaMP_Integrated-5184.csv", broken.into())], 0).unwrap_err();
    assert!(message.contains("line 2, column 2: expected a finite number, found `seven`"), "{message}");
}

#[test]
fn pdf_form() {
    let mut text = String::from("File name,size,text,header,pages,Class\n");
    for i in 0..60 {
        let words = ["Yes", "No", "unclear", "-1", "0"][i % 5];
        let header = ["\t%PDF-1.4", "\t%PDF-1.9", "\"\t%PDF-2.0\"", "junk"][i % 4];
        text.push_str(&format!(
            "h{i},{i}.00,{words},{header},{},{}\n",
            i as i32 % 9 - 1,
            ["Benign", "Malicious"][i % 2]
        ));
    }
    text.push_str("x,nan,nan,nan,nan,nan\ny,,Yes,-1,(most,Benign\n");
    let task = build("pdf-malware", "pdf-malware", &[("PDFMalware2022.csv", text.clone().into())], 0).unwrap();
    assert_clean(&task);
    assert_eq!((total(&task), task.train.features(), task.columns.len()), (60, 5, 5));
    noted(&task, "62 files read, 1 rows without a class dropped");
    noted(&task, "1 rows dropped that hold 2 blank or unreadable");
    noted(&task, "7 numeric cells are −1");
    let broken = text.replacen("Yes", "Perhaps", 1);
    let message = build("pdf-malware", "pdf-malware", &[("PDFMalware2022.csv", broken.into())], 0).unwrap_err();
    assert!(message.contains("line 2, column 3: expected one of {No, Yes, unclear, -1, 0}"), "{message}");
}

#[test]
fn records_are_whole() {
    for source in SOURCES {
        for file in source.files {
            assert!(file.sha256.len() == 64 && file.sha256.bytes().all(|b| b.is_ascii_hexdigit()), "{}", file.name);
            assert!(file.bytes > 0);
        }
    }
    for recipe in RECIPES {
        for name in recipe.sources {
            assert!(source(name).is_ok(), "{name}");
        }
    }
    assert_eq!(task_names().len(), RECIPES.len());
}

#[test]
fn checksums_guard_the_public_entry() {
    let files = [("spambase.data", mails(50, 0, 0))];
    let folder = folder("spambase", &files);
    let message = load_task("spambase", folder.path(), 0).unwrap_err().to_string();
    assert!(message.contains("expected SHA-256 b1ef93de71f97714"), "{message}");
    let message = load_task("spambase", Path::new("nowhere"), 0).unwrap_err().to_string();
    assert!(message.contains("is not in nowhere/spambase") && message.contains("data fetch spambase"), "{message}");
    let message = load_task("ham", folder.path(), 0).unwrap_err().to_string();
    assert!(message.contains("no task `ham`") && message.contains("mnist-3-8"), "{message}");
}
