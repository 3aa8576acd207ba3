//! `underplane separate DATA`: convex separability of two classes, proven, and the classifier that it makes.

use super::Finish;
use super::methods::threads;
use super::two_classes::{ClassArgs, Samples, samples};
use anyhow::{Context, Result, bail};
use indicatif::ProgressBar;
use std::fs;
use std::io::{BufRead, BufReader, Write as _, sink, stdout};
use std::path::{Path, PathBuf};
use std::time::Instant;
use underplane::files::{Growing, partial_name, write_atomically};
use underplane::model::onnx;
use underplane::separation::{
    Class, Classes, Counted, Effort, Event, Hyperplane, Record, Search, Unproven, classifier, unproven,
};
use underplane_kernel::separation::driver::{self, Files, Options, Summary, points};
use underplane_kernel::separation::{Separation, Tally};
use underplane_kernel::{Class as Sign, Logit, Uint8};

/// Says for every point of the sensitive class whether it lies outside the convex hull of the other class, with a proof
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    classes: ClassArgs,
    /// Both directions, one after the other
    #[arg(long)]
    both: bool,
    /// Where certificates, points and classifiers go
    #[arg(long, value_name = "DIR", default_value = "separation")]
    out: PathBuf,
    /// Where the points go as .npy files, for the checkers [default: to the others]
    #[arg(long, value_name = "DIR")]
    write_data: Option<PathBuf>,
    /// Go on behind what an earlier run of the same command has proven
    #[arg(long)]
    resume: bool,
    /// Try up to so many hyperplanes that share the points; those left over get hyperplanes of their own
    #[arg(long, value_name = "K", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pieces: u16,
    /// Seed of everything random
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Threads (default: all cores)
    #[arg(long, value_name = "N", value_parser = threads, allow_negative_numbers = true)]
    threads: Option<usize>,
}

pub fn run(args: &Args) -> Result<Finish> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(args.threads.unwrap_or(0)).build()?;
    pool.install(|| separate(args))
}

fn separate(args: &Args) -> Result<Finish> {
    let mut samples = samples(&args.classes.wanted())?;
    say!("{}: {}", args.classes.data, samples.notes.join("; "));
    let mut open = one(args, &samples)?;
    if args.both {
        samples = samples.swapped();
        open += one(args, &samples)?;
    }
    Ok(if open > 0 { Finish::Unknown } else { Finish::Answered })
}

/// Where things go.
struct Folder {
    own: PathBuf,
    other: PathBuf,
    certificate: PathBuf,
    model: PathBuf,
    record: PathBuf,
}

impl Folder {
    fn new(args: &Args, samples: &Samples) -> Result<Folder> {
        let (out, data) = (&args.out, args.write_data.as_ref().unwrap_or(&args.out));
        for folder in [out, data] {
            fs::create_dir_all(folder).with_context(|| format!("{}", folder.display()))?;
        }
        let [own, other] = [&samples.sensitive, &samples.other].map(|name| slug(name));
        let named = |ending: &str| out.join(format!("{own}-from-{other}.{ending}"));
        let points = |class: &str| data.join(format!("{class}.npy"));
        let (certificate, model, record) = (named("jsonl"), named("onnx"), named("json"));
        Ok(Folder { own: points(&own), other: points(&other), certificate, model, record })
    }
}

/// One direction; gives the number of points that stay open.
fn one(args: &Args, samples: &Samples) -> Result<usize> {
    let begun = Instant::now();
    let classes = Classes::of(&samples.data);
    let folder = Folder::new(args, samples)?;
    classes.write(Class::Sensitive, &folder.own)?;
    classes.write(Class::Other, &folder.other)?;
    let what = format!("{} from {}", samples.sensitive, samples.other);
    let bar = super::progress::bar(classes.count(Class::Sensitive) as u64, &what);
    let found = search(args, &classes, &folder, &bar)?;
    bar.finish_and_clear();
    write_atomically(&folder.certificate, |file| found.lines.iter().try_for_each(|line| writeln!(file, "{line}")))?;
    let files = Files { sensitive: &folder.own, other: &folder.other, certificate: &folder.certificate };
    let replayed = driver::run(files, &mut sink())?;
    let not_proven = unproven(&classes, &replayed.open);
    tell(&replayed, samples, begun.elapsed().as_secs_f64())?;
    tell_unproven(&not_proven, samples, &folder.record)?;
    let [own, other, certificate] = [&folder.own, &folder.other, &folder.certificate].map(|path| path.display());
    writeln!(stdout(), "  replay: underplane check --separation {own} {other} {certificate}")?;
    let counted = match replayed.tally.outside == replayed.tally.points {
        true => write_classifier(&classes, &found.planes, &folder, samples)?,
        false => None,
    };
    let Tally { points: count, others, outside, inside } = replayed.tally;
    let record = Record {
        data: args.classes.data.clone(),
        sensitive: samples.sensitive.clone(),
        other: samples.other.clone(),
        coordinates: classes.size(),
        bytes: classes.are_bytes(),
        points: count,
        others,
        outside,
        inside,
        open: replayed.tally.open(),
        not_proven,
        hyperplanes: replayed.hyperplanes,
        digests: [points(&folder.own)?, points(&folder.other)?].map(|points| points.digest().to_string()),
        sources: samples.files.iter().cloned().collect(),
        notes: samples.notes.clone(),
        classifier: counted,
        seconds: begun.elapsed().as_secs_f64(),
        seed: args.seed,
        pieces: args.pieces.into(),
        version: env!("CARGO_PKG_VERSION").into(),
    };
    record.write(&folder.record)?;
    Ok(replayed.tally.open())
}

/// What a search has found.
struct Found {
    lines: Vec<String>,
    planes: Vec<Hyperplane>,
}

fn search(
    args: &Args,
    classes: &Classes,
    Folder { own, other, certificate, .. }: &Folder,
    bar: &ProgressBar,
) -> Result<Found> {
    let [own, hull] = [points(own)?, points(other)?];
    let header = format!(
        "{{\"separation\":\"1\",\"sensitive\":\"sha256:{}\",\"other\":\"sha256:{}\"}}",
        own.digest(),
        hull.digest()
    );
    let kernel = Separation::new(own, hull)?;
    let mut growing = Growing::open(certificate, args.resume)?;
    let earlier = if args.resume { earlier(&growing, certificate)? } else { Vec::new() };
    growing.keep(0)?;
    let mut kept: Vec<String> = Vec::new();
    let mut watch = |event| show(bar, event);
    let mut keep = |line: &str| {
        let written = growing.write(format!("{line}\n").as_bytes());
        written.map_err(|error| std::io::Error::other(error.to_string()))
    };
    let mut search = Search::new(classes, kernel, &mut keep, &mut watch);
    if !search.take(&header) {
        bail!("{}: the kernel refuses the header", certificate.display());
    }
    for line in earlier.iter().skip(1) {
        if search.take(line) {
            kept.push(line.clone());
        }
    }
    if args.resume {
        say!("{}: {} lines of an earlier run are valid", partial_name(certificate).display(), kept.len());
    }
    search.begin(&header, &kept)?;
    search.run(Effort { pieces: args.pieces.into(), seed: args.seed })?;
    let lines = std::iter::once(header).chain(search.lines()).collect();
    let planes = search.planes().to_vec();
    let _ = fs::remove_file(partial_name(certificate));
    Ok(Found { lines, planes })
}

/// The lines of a run that was broken off, else of one that was not.
fn earlier(growing: &Growing, certificate: &Path) -> Result<Vec<String>> {
    let file = match (growing.is_empty(), fs::File::open(certificate)) {
        (true, Ok(whole)) => whole,
        _ => growing.read()?,
    };
    Ok(BufReader::new(file).lines().map_while(Result::ok).collect())
}

fn show(bar: &ProgressBar, event: Event) {
    match event {
        Event::Whitening => bar.set_message("whitening"),
        Event::Sharing(1) => bar.set_message("1 hyperplane for all"),
        Event::Sharing(pieces) => bar.set_message(format!("{pieces} hyperplanes for all")),
        Event::Cutting => bar.set_message("hyperplanes for many"),
        Event::Points => bar.set_message("point by point"),
        Event::Proven(tally) => bar.set_position((tally.outside + tally.inside) as u64),
    }
}

/// The result in sentences.
fn tell(summary: &Summary, Samples { sensitive, other, .. }: &Samples, seconds: f64) -> Result<()> {
    let Tally { points, others, outside, inside } = summary.tally;
    let (open, s) = (summary.tally.open(), if summary.hyperplanes == 1 { "" } else { "s" });
    let mut out = stdout();
    writeln!(
        out,
        "{outside} of {points} `{sensitive}` lie outside the convex hull of {others} `{other}`: proven, {} hyperplane{s}, \
         {seconds:.0} s",
        summary.hyperplanes
    )?;
    if inside > 0 {
        writeln!(
            out,
            "  {inside} lie inside: proven, one convex combination each; no input-convex classifier is right there"
        )?;
    }
    if open > 0 {
        writeln!(
            out,
            "  {open} unknown: too near to the hull for float32 coefficients, or no exact combination found"
        )?;
    }
    Ok(())
}

/// So many points are told of, with so many vertices; the record has all.
const TOLD: (usize, usize) = (3, 4);

/// What floats say of points of which nothing is proven.
fn tell_unproven(points: &[Unproven], Samples { sensitive, other, .. }: &Samples, record: &Path) -> Result<()> {
    let (shown, most) = TOLD;
    let mut out = stdout();
    for Unproven { point, distance, of, weights } in points.iter().take(shown) {
        let terms: Vec<String> = of.iter().zip(weights).take(most).map(|(j, w)| format!("{w:.4} of {j}")).collect();
        let more = of.len().saturating_sub(most);
        let more = if more > 0 { format!(", and {more} more") } else { String::new() };
        writeln!(
            out,
            "  not proven: `{sensitive}` {point} is {distance:.3e} from the nearest point found of the hull, a mean of \
             `{other}`: {}{more}",
            terms.join(", ")
        )?;
    }
    if !points.is_empty() {
        let all = points.len();
        writeln!(out, "  not proven, all {all}: distances and weights, in floating point, in {}", record.display())?;
    }
    Ok(())
}

/// Writes the network, and has the kernel count.
fn write_classifier(
    classes: &Classes,
    planes: &[Hyperplane],
    folder: &Folder,
    samples: &Samples,
) -> Result<Option<Counted>> {
    let Some(made) = classifier(planes, classes)? else {
        say!("no classifier: the points lie too near to the hyperplanes for a threshold in float32");
        return Ok(None);
    };
    onnx::write(&made.graph, &folder.model)?;
    let right = count(&folder.model, [&folder.own, &folder.other], classes.are_bytes())?.map(|[right, _]| right);
    let test = samples.test.as_ref().map(|test| of_test(test, classes, folder)).transpose()?.flatten();
    let margin = made.gap / 2.0;
    let counted = Counted { units: planes.len(), right, test, margin, rounding: made.rounding };
    let ([own, other, model], raw) = (
        [&folder.own, &folder.other, &folder.model].map(|path| path.display()),
        if classes.are_bytes() { " --uint8 raw" } else { "" },
    );
    let mut out = stdout();
    let (all, points) = (right[0] + right[1], classes.len());
    writeln!(
        out,
        "  {model}: input-convex, {} hidden units, {all} of {points} points right in exact arithmetic",
        planes.len()
    )?;
    let sums = match made.rounding < margin {
        true => "no rounding of float32 changes that".into(),
        false => format!("{:.1e} of what float32 sums may err by at worst", margin / made.rounding),
    };
    writeln!(out, "  threshold {margin:.3e} from the nearest points: {sums}")?;
    if let Some([[a, of_a], [b, of_b]]) = test {
        let share = 100.0 * (a + b) as f64 / (of_a + of_b) as f64;
        writeln!(out, "  {share:.2} % of {} test points right ({a} of {of_a}, {b} of {of_b})", of_a + of_b)?;
    }
    writeln!(out, "  recount: underplane check --accuracy{raw} {model} {own} {other}")?;
    if all < points {
        bail!("{model}: expected every point right, found {all} of {points}");
    }
    Ok(Some(counted))
}

/// Right answers and numbers of points of both classes, in exact arithmetic.
fn count(model: &Path, files: [&Path; 2], bytes: bool) -> Result<[[usize; 2]; 2]> {
    let (logit, uint8) = (Logit::from(Sign::Positive), bytes.then_some(Uint8::Raw));
    let options = Options { logit: &logit, uint8, flatten: false, follow_links: false };
    Ok(driver::accuracy(model, files, options)?.map(|class| [class.right, class.points]))
}

/// The same of test points, which are written beside the others.
fn of_test(test: &underplane::data::Dataset, trained: &Classes, folder: &Folder) -> Result<Option<[[usize; 2]; 2]>> {
    let classes = Classes::of(test);
    if classes.are_bytes() != trained.are_bytes() || classes.count(Class::Sensitive) * classes.count(Class::Other) == 0
    {
        return Ok(None);
    }
    let [own, other] = [&folder.own, &folder.other].map(|path| path.with_extension("test.npy"));
    classes.write(Class::Sensitive, &own)?;
    classes.write(Class::Other, &other)?;
    count(&folder.model, [&own, &other], classes.are_bytes()).map(Some)
}

/// A name as part of a file's.
fn slug(name: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    name.chars().map(plain).collect::<String>().trim_matches('-').to_string()
}
