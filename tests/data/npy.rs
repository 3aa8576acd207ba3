//! The npy and npz readers: what they accept, what they refuse and where they say it went wrong.

use proptest::prelude::*;
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;
use underplane::data::npy::{NpyArray, NpyValues, read_npy, write_npy};

/// An npy file by hand, so that reader and writer cannot share a mistake.
fn npy(version: u8, header: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x93, b'N', b'U', b'M', b'P', b'Y', version, 0];
    if version == 1 {
        bytes.extend((header.len() as u16).to_le_bytes());
    } else {
        bytes.extend((header.len() as u32).to_le_bytes());
    }
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

fn file(folder: &TempDir, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join("array.npy");
    fs::write(&path, bytes).unwrap();
    path
}

fn read(bytes: &[u8]) -> Result<NpyArray, String> {
    let folder = tempfile::tempdir().unwrap();
    read_npy(&file(&folder, bytes)).map_err(|error| error.to_string())
}

fn header(descr: &str, order: &str, shape: &str) -> String {
    format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}\n")
}

fn texts(words: &[&str]) -> NpyValues {
    NpyValues::Text(words.iter().map(|word| word.to_string()).collect())
}

#[test]
fn all_types_orders_and_versions_are_read() {
    let cases: Vec<(&str, Vec<u8>, NpyValues)> = vec![
        ("<f4", [1.5f32, -2.0].map(f32::to_le_bytes).concat(), NpyValues::F32(vec![1.5, -2.0])),
        (">f4", [1.5f32, -2.0].map(f32::to_be_bytes).concat(), NpyValues::F32(vec![1.5, -2.0])),
        ("<f8", [0.1f64, 1e300].map(f64::to_le_bytes).concat(), NpyValues::F64(vec![0.1, 1e300])),
        (">f8", [0.1f64, 1e300].map(f64::to_be_bytes).concat(), NpyValues::F64(vec![0.1, 1e300])),
        ("|u1", vec![0, 255], NpyValues::U8(vec![0, 255])),
        ("|i1", vec![1, 255], NpyValues::Integer(vec![1, -1])),
        ("<i2", [7i16, -7].map(i16::to_le_bytes).concat(), NpyValues::Integer(vec![7, -7])),
        (">u2", [7u16, 65535].map(u16::to_be_bytes).concat(), NpyValues::Integer(vec![7, 65535])),
        ("<i4", [7i32, i32::MIN].map(i32::to_le_bytes).concat(), NpyValues::Integer(vec![7, i32::MIN.into()])),
        (">u4", [7u32, u32::MAX].map(u32::to_be_bytes).concat(), NpyValues::Integer(vec![7, u32::MAX.into()])),
        ("<i8", [7i64, i64::MIN].map(i64::to_le_bytes).concat(), NpyValues::Integer(vec![7, i64::MIN])),
        ("<u8", [7u64, 8].map(u64::to_le_bytes).concat(), NpyValues::Integer(vec![7, 8])),
        ("|b1", vec![1, 0], NpyValues::Bool(vec![true, false])),
        ("<f2", [0x3c00_u16, 0xc100].map(u16::to_le_bytes).concat(), NpyValues::F32(vec![1.0, -2.5])),
        (">f2", [0x0001_u16, 0x7bff].map(u16::to_be_bytes).concat(), NpyValues::F32(vec![5.9604645e-8, 65504.0])),
        ("<U2", ['h', 'a', 'ü', '\0'].map(|c| u32::from(c).to_le_bytes()).concat(), texts(&["ha", "ü"])),
        (">U1", ['h', '\0'].map(|c| u32::from(c).to_be_bytes()).concat(), texts(&["h", ""])),
        ("|S3", b"ham\xc3\xbc\0".to_vec(), texts(&["ham", "ü"])),
    ];
    for (descr, data, values) in cases {
        for version in [1, 2, 3] {
            let found = read(&npy(version, &header(descr, "False", "(2,)"), &data));
            assert_eq!(found, Ok(NpyArray { shape: vec![2], values: values.clone() }), "{descr} version {version}");
        }
    }
}

#[test]
fn every_float16_is_its_own_float32() {
    let bytes: Vec<u8> = (0..=u16::MAX).flat_map(u16::to_le_bytes).collect();
    let NpyValues::F32(values) = read(&npy(1, &header("<f2", "False", "(65536,)"), &bytes)).unwrap().values else {
        panic!("no float32")
    };
    for (bits, &value) in (0..=u16::MAX).zip(&values) {
        // IEEE 754 binary16 in integers: value = (−1)^s · m · 2^(e − 25), in units of 2^−24.
        let (exponent, fraction) = (u32::from(bits >> 10 & 31), i64::from(bits & 1023));
        if exponent == 31 {
            assert!(if fraction == 0 { value.is_infinite() } else { value.is_nan() });
            continue;
        }
        let units = if exponent == 0 { fraction } else { (1024 + fraction) << (exponent - 1) };
        assert_eq!(f64::from(value.abs()) * f64::from(1 << 24), units as f64, "{bits:#x}");
        assert_eq!(value.is_sign_negative(), bits >> 15 == 1, "{bits:#x}");
    }
}

#[test]
fn fortran_order_becomes_row_major() {
    // Entry [i][j][k] holds 100 i + 10 j + k; the first index moves fastest in the file.
    let mut data = Vec::new();
    for k in 0..4 {
        for j in 0..3 {
            for i in 0..2 {
                data.push(100 * i + 10 * j + k);
            }
        }
    }
    let array = read(&npy(1, &header("|u1", "True", "(2, 3, 4)"), &data)).unwrap();
    let expected: Vec<u8> =
        (0..2).flat_map(|i| (0..3).flat_map(move |j| (0..4).map(move |k| 100 * i + 10 * j + k))).collect();
    assert_eq!(array, NpyArray { shape: vec![2, 3, 4], values: NpyValues::U8(expected) });
}

#[test]
fn odd_but_legal_headers_are_read() {
    let legal = [
        "{\"shape\":(1L,2L),\"fortran_order\":False,\"descr\":\"|u1\"}",
        " { 'shape' : ( 1 , 2 , ) , 'descr' : '|u1' , 'fortran_order' : False } \n",
    ];
    for text in legal {
        assert_eq!(read(&npy(1, text, &[3, 4])).unwrap().shape, [1, 2], "{text}");
    }
    assert_eq!(read(&npy(1, &header("|u1", "False", "()"), &[9])).unwrap().shape, [0usize; 0]);
    assert_eq!(read(&npy(1, &header("<f4", "False", "(0, 5)"), &[])).unwrap().values, NpyValues::F32(vec![]));
}

#[test]
fn faults_are_refused_and_named() {
    let good = header("<f4", "False", "(2, 2)");
    let data = [0u8; 16];
    let huge = "(4611686018427387904, 4611686018427387904)";
    let mut wrong_magic = npy(1, &good, &data);
    wrong_magic[1] = b'M';
    let mut version_nine = npy(1, &good, &data);
    version_nine[6] = 9;
    let mut long_header = npy(2, &good, &data);
    long_header[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (vec![], "6 bytes of the npy magic"),
        (wrong_magic, "expected an npy file"),
        (version_nine, "found version 9"),
        (long_header, "4294967295 bytes"),
        (npy(1, &good, &data[..15]), "expected 16 bytes of array data"),
        (npy(1, &good, &[0; 17]), "expected the end of the file"),
        (npy(1, &header("<f4", "False", "(1000000000, 1000)"), &data), "4000000000000 bytes of array data"),
        (npy(1, &header("<f4", "False", huge), &data), "fits the address space"),
        (npy(1, &header("<f4", "False", &huge.replace(')', ", 0)")), &[]), "fits the address space"),
        (npy(1, &header("<f4", "False", "(-2, 2)"), &data), "expected a length"),
        (npy(1, &header("<f4", "False", "(99999999999999999999,)"), &data), "expected a length"),
        (npy(1, &header("<f4", "Maybe", "(2, 2)"), &data), "True or False"),
        (npy(1, &header("<f16", "False", "(1,)"), &data), "`<f16` (save it as float64)"),
        (npy(1, &header("<c8", "False", "(2,)"), &data), "`<c8`"),
        (npy(1, &header("<U0", "False", "(2,)"), &data), "`<U0`"),
        (npy(1, &header("<U99999999999999999999", "False", "(2,)"), &data), "`<U9999"),
        (npy(1, &header("<U4611686018427387904", "False", "(2,)"), &data), "`<U4611"),
        (npy(1, &header("<U4", "False", "(1,)"), &[0xff; 16]), "Unicode text"),
        (npy(1, &header("|S2", "False", "(1,)"), &[0xff; 2]), "Unicode text"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n".to_vec(), "git lfs pull"),
        (b"PK\x03\x04 and so on".to_vec(), "an .npz under another name"),
        (npy(1, &header("|O", "False", "(2,)"), &data), "`|O` (Python objects"),
        (npy(1, &header("|f4", "False", "(2, 2)"), &data), "`|f4`"),
        (npy(1, &header("", "False", "(2, 2)"), &data), "``"),
        (npy(1, "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (4,)}", &data), "structured"),
        (npy(1, "{'descr': '<f4', 'shape': (4,)}", &data), "key `fortran_order`"),
        (npy(1, "{'descr': '<f4', 'descr': '<f4'}", &data), "`descr` twice"),
        (npy(1, "{'colour': '<f4'}", &data), "key `colour`"),
        (npy(1, "{'descr': '<f4", &data), "closed string"),
        (npy(1, &format!("{good} x"), &data), "nothing after the dictionary"),
        (npy(1, &header("|b1", "False", "(2,)"), &[1, 2]), "found byte 2"),
        (npy(1, &header("<u8", "False", "(1,)"), &u64::MAX.to_le_bytes()), "below 2^63"),
    ];
    for (bytes, part) in cases {
        let message = read(&bytes).unwrap_err();
        assert!(message.contains(part) && message.contains("array.npy"), "{message}: no `{part}`");
    }
}

#[test]
fn a_failed_write_leaves_nothing_and_keeps_the_old_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, b"old");
    let wrong = NpyArray { shape: vec![3], values: NpyValues::U8(vec![1, 2]) };
    assert!(write_npy(&path, &wrong).is_err());
    let failure = underplane::files::write_atomically(&path, |out| {
        out.write_all(b"half")?;
        Err(std::io::Error::other("disk on fire"))
    });
    assert!(failure.unwrap_err().to_string().contains("disk on fire"));
    assert_eq!(fs::read(&path).unwrap(), b"old");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "a temporary file is left");
}

fn values(count: usize) -> impl Strategy<Value = NpyValues> {
    prop_oneof![
        prop::collection::vec(any::<u32>().prop_map(f32::from_bits), count).prop_map(NpyValues::F32),
        prop::collection::vec(any::<u64>().prop_map(f64::from_bits), count).prop_map(NpyValues::F64),
        prop::collection::vec(any::<u8>(), count).prop_map(NpyValues::U8),
        prop::collection::vec(any::<i64>(), count).prop_map(NpyValues::Integer),
        prop::collection::vec(any::<bool>(), count).prop_map(NpyValues::Bool),
        prop::collection::vec("[a-zäß€]{0,5}", count).prop_map(NpyValues::Text),
    ]
}

/// Equality of bits, so that NaN and −0 count.
fn same_bits(a: &NpyValues, b: &NpyValues) -> bool {
    match (a, b) {
        (NpyValues::F32(a), NpyValues::F32(b)) => a.iter().map(|x| x.to_bits()).eq(b.iter().map(|x| x.to_bits())),
        (NpyValues::F64(a), NpyValues::F64(b)) => a.iter().map(|x| x.to_bits()).eq(b.iter().map(|x| x.to_bits())),
        _ => a == b,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_read_back(
        (shape, values) in prop::collection::vec(0usize..5, 0..4)
            .prop_flat_map(|shape| { let n = shape.iter().product(); (Just(shape), values(n)) })
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("array.npy");
        let array = NpyArray { shape, values };
        write_npy(&path, &array).unwrap();
        // Data starts at a multiple of 64, as the format asks.
        let bytes = fs::read(&path).unwrap();
        let header = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
        prop_assert_eq!(header % 64, 0);
        let back = read_npy(&path).unwrap();
        prop_assert_eq!(&back.shape, &array.shape);
        prop_assert!(same_bits(&back.values, &array.values));
    }

    #[test]
    fn damaged_files_never_panic(flips in prop::collection::vec((0usize..90, any::<u8>()), 1..4), cut in 0usize..100) {
        let mut bytes = npy(1, &header("<f4", "False", "(2, 2)"), &[0; 16]);
        for (at, value) in flips {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = value;
            }
        }
        bytes.truncate(cut);
        let _ = read(&bytes);
    }
}
