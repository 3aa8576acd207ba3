//! Where the real data comes from: files, checksums, public addresses, licences.

use super::error::DataError;

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
        files: &[file(
            "Training Dataset.arff",
            800_856,
            "0dfcd84ccdedca6e1be2ce26452c1f1089ac3f839b9a1b0ab1cdcf6d895f9a70",
            &["https://archive.ics.uci.edu/ml/machine-learning-databases/00327/Training%20Dataset.arff"],
        )],
    },
    Source {
        name: "drebin",
        title: "Drebin-215, Android permissions, intents and API calls (Yerima, Sezer 2018)",
        page: "https://doi.org/10.6084/m9.figshare.5854653",
        licence: "CC BY 4.0",
        files: &[file(
            "drebin215.csv",
            6_514_978,
            "710f2c11b0cad04c36f56dd16398127feb697fd99e8efa7f75890b792fba3ad5",
            &[],
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
