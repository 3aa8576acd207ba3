//! Where the real data comes from: files, checksums, public addresses, licences.

use crate::data::error::DataError;

/// One published dataset.
#[derive(Clone, Copy, Debug)]
pub struct Source {
    /// Short name, as `underplane data` takes it, and folder name in the data directory.
    pub name: &'static str,
    /// What it is and who made it.
    pub title: &'static str,
    /// A page about it.
    pub page: &'static str,
    /// Terms of use, as far as its makers state any.
    pub licence: &'static str,
    /// Public address of an archive (`.tar.gz`) that holds the files, where there is one.
    pub archive: Option<&'static str>,
    /// Its files.
    pub files: &'static [SourceFile],
}

/// One file of a source; on disk it may be plain or gzip (`NAME` or `NAME.gz`).
#[derive(Clone, Copy, Debug)]
pub struct SourceFile {
    /// Name of the unpacked file.
    pub name: &'static str,
    /// Length of the unpacked file.
    pub bytes: u64,
    /// SHA-256 of the unpacked file, lower-case hexadecimal.
    pub sha256: &'static str,
    /// Public addresses of the file, plain or gzip; empty where it is only part of an archive.
    pub urls: &'static [&'static str],
}

const fn file(name: &'static str, bytes: u64, sha256: &'static str, urls: &'static [&'static str]) -> SourceFile {
    SourceFile { name, bytes, sha256, urls }
}

/// All sources that tasks are built from.
pub const SOURCES: &[Source] = &[
    Source {
        name: "mnist",
        title: "MNIST handwritten digits (LeCun, Cortes, Burges 1998)",
        page: "http://yann.lecun.com/exdb/mnist/",
        licence: "none stated; commonly given as CC BY-SA 3.0",
        archive: None,
        files: &[
            file(
                "train-images-idx3-ubyte",
                47_040_016,
                "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
                &[
                    "https://ossci-datasets.s3.amazonaws.com/mnist/train-images-idx3-ubyte.gz",
                    "https://storage.googleapis.com/cvdf-datasets/mnist/train-images-idx3-ubyte.gz",
                ],
            ),
            file(
                "train-labels-idx1-ubyte",
                60_008,
                "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
                &[
                    "https://ossci-datasets.s3.amazonaws.com/mnist/train-labels-idx1-ubyte.gz",
                    "https://storage.googleapis.com/cvdf-datasets/mnist/train-labels-idx1-ubyte.gz",
                ],
            ),
            file(
                "t10k-images-idx3-ubyte",
                7_840_016,
                "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
                &[
                    "https://ossci-datasets.s3.amazonaws.com/mnist/t10k-images-idx3-ubyte.gz",
                    "https://storage.googleapis.com/cvdf-datasets/mnist/t10k-images-idx3-ubyte.gz",
                ],
            ),
            file(
                "t10k-labels-idx1-ubyte",
                10_008,
                "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
                &[
                    "https://ossci-datasets.s3.amazonaws.com/mnist/t10k-labels-idx1-ubyte.gz",
                    "https://storage.googleapis.com/cvdf-datasets/mnist/t10k-labels-idx1-ubyte.gz",
                ],
            ),
        ],
    },
    Source {
        name: "fashion-mnist",
        title: "Fashion-MNIST (Xiao, Rasul, Vollgraf 2017)",
        page: "https://github.com/zalandoresearch/fashion-mnist",
        licence: "MIT",
        archive: None,
        files: &[
            file(
                "train-images-idx3-ubyte",
                47_040_016,
                "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
                &[
                    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/train-images-idx3-ubyte.gz",
                    "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/train-images-idx3-ubyte.gz",
                ],
            ),
            file(
                "train-labels-idx1-ubyte",
                60_008,
                "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
                &[
                    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/train-labels-idx1-ubyte.gz",
                    "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/train-labels-idx1-ubyte.gz",
                ],
            ),
            file(
                "t10k-images-idx3-ubyte",
                7_840_016,
                "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
                &[
                    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/t10k-images-idx3-ubyte.gz",
                    "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/t10k-images-idx3-ubyte.gz",
                ],
            ),
            file(
                "t10k-labels-idx1-ubyte",
                10_008,
                "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
                &[
                    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/t10k-labels-idx1-ubyte.gz",
                    "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/t10k-labels-idx1-ubyte.gz",
                ],
            ),
        ],
    },
    Source {
        name: "spambase",
        title: "Spambase (Hopkins, Reeber, Forman, Suermondt 1999)",
        page: "https://archive.ics.uci.edu/dataset/94/spambase",
        licence: "CC BY 4.0",
        archive: None,
        files: &[file(
            "spambase.data",
            702_942,
            "b1ef93de71f97714d3d7d4f58fc9f718da7bbc8ac8a150eff2778616a8097b12",
            &["https://archive.ics.uci.edu/ml/machine-learning-databases/spambase/spambase.data"],
        )],
    },
    Source {
        name: "phishing",
        title: "UCI Phishing Websites (Mohammad, McCluskey 2015)",
        page: "https://archive.ics.uci.edu/dataset/327/phishing+websites",
        licence: "CC BY 4.0",
        archive: None,
        files: &[file(
            "Training Dataset.arff",
            800_856,
            "0dfcd84ccdedca6e1be2ce26452c1f1089ac3f839b9a1b0ab1cdcf6d895f9a70",
            &[
                "https://archive.ics.uci.edu/ml/machine-learning-databases/00327/Training%20Dataset.arff",
                "https://raw.githubusercontent.com/santoshchejarla/WebSecAsst/6d4d2626795a74878329586fff786224b5b457fd/Training%20Dataset.arff",
            ],
        )],
    },
    Source {
        name: "drebin",
        title: "Drebin-215, Android permissions, intents and API calls (Yerima, Sezer 2018)",
        page: "https://doi.org/10.6084/m9.figshare.5854653",
        licence: "CC BY 4.0",
        archive: None,
        files: &[file(
            "drebin215.csv",
            6_514_978,
            "710f2c11b0cad04c36f56dd16398127feb697fd99e8efa7f75890b792fba3ad5",
            &[
                "https://media.githubusercontent.com/media/OjmanXD/Malware_Analysis/18569a31b2196d909416285f858c1d0516fce30f/drebin-215-dataset-5560malware-9476-benign.csv",
            ],
        )],
    },
    Source {
        name: "cifar-10",
        title: "CIFAR-10, binary version (Krizhevsky 2009)",
        page: "https://www.cs.toronto.edu/~kriz/cifar.html",
        licence: "none stated; asks to be cited",
        archive: Some("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"),
        files: &[
            file(
                "data_batch_1.bin",
                30_730_000,
                "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
                &[],
            ),
            file(
                "data_batch_2.bin",
                30_730_000,
                "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
                &[],
            ),
            file(
                "data_batch_3.bin",
                30_730_000,
                "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
                &[],
            ),
            file(
                "data_batch_4.bin",
                30_730_000,
                "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
                &[],
            ),
            file(
                "data_batch_5.bin",
                30_730_000,
                "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
                &[],
            ),
            file("test_batch.bin", 30_730_000, "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b", &[]),
        ],
    },
    // The records with labels 3 and 5 of the above, in its order: a quarter of the size, and all that the task reads.
    Source {
        name: "cifar-cats-dogs",
        title: "CIFAR-10, the records of cats and dogs alone (Krizhevsky 2009)",
        page: "https://www.cs.toronto.edu/~kriz/cifar.html",
        licence: "none stated; asks to be cited",
        archive: None,
        files: &[
            file("train.bin", 30_730_000, "fffcc58db4ba6df8cd399397c2ae7dc8a8d96d7854fa4c9941489e1649abd8fb", &[]),
            file("test.bin", 6_146_000, "693b8402d28f6cd4a3ed7f509f699024e0f841015ecc841ec06df9204926ef8b", &[]),
        ],
    },
    Source {
        name: "clamp",
        title: "ClaMP, headers of Windows executables, integrated features (Kumar, Kuppusamy, Aghila 2017)",
        page: "https://github.com/urwithajit9/ClaMP",
        licence: "none stated; asks to be cited",
        archive: None,
        files: &[file(
            "ClaMP_Integrated-5184.csv",
            1_283_431,
            "41332e79aa7a1fcafac479fb636028e2a0dd647f2ea92efcf51bcfa959c5d90a",
            &[
                "https://raw.githubusercontent.com/urwithajit9/ClaMP/e6354465401a68c3398c0425d78fb1e4f1896c0c/dataset/ClaMP_Integrated-5184.csv",
            ],
        )],
    },
    Source {
        name: "pdf-malware",
        title: "CIC-Evasive-PDFMal2022 (Issakhani, Victor, Tekeoglu, Lashkari 2022)",
        page: "https://www.unb.ca/cic/datasets/pdfmal-2022.html",
        licence: "free to use and redistribute with citation",
        archive: None,
        files: &[file(
            "PDFMalware2022.csv",
            2_351_532,
            "61686c9b323cb41bf8c048e5e4fe1e43eaf7d8d634667dc256a1349d6242b489",
            &[
                "https://raw.githubusercontent.com/arcofiero/IE7275_Data_Mining_in_Engineering/9194033177cb580687a591f9cc83ed1991ee687b/PDFMalware2022.csv",
            ],
        )],
    },
];

/// The source of that name.
///
/// # Errors
/// When there is none.
pub fn source(name: &str) -> Result<&'static Source, DataError> {
    SOURCES.iter().find(|source| source.name == name).ok_or_else(|| DataError::UnknownName {
        what: "source",
        name: name.into(),
        known: SOURCES.iter().map(|source| source.name).collect(),
    })
}
