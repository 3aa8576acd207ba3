//! `--method` and the options of the methods.

use anyhow::{Result, bail};
use underplane::radius::Method;
use underplane::radius::best::Best;
use underplane::radius::closed_form::ClosedForm;
use underplane::radius::ibp::Ibp;
use underplane::radius::lp::{Lp, LpSolver};
use underplane::radius::sharp::Sharp;

/// Settings of single methods.
#[derive(clap::Args)]
pub struct MethodArgs {
    /// Methods, separated by commas: closed-form, sharp, ibp, lp, smoothing, best (the largest sound one)
    #[arg(long = "method", value_name = "M,…", value_delimiter = ',', default_value = "closed-form")]
    pub methods: Vec<String>,
    /// Who solves the LPs of `lp`: clarabel, microlp, or highs (in builds with that feature)
    #[arg(long, value_name = "NAME", default_value = "clarabel")]
    pub lp_solver: LpSolver,
}

/// All methods that give proven radii of the base classifier, cheapest first.
const SOUND: [&str; 4] = ["closed-form", "sharp", "ibp", "lp"];

impl MethodArgs {
    /// The methods asked for, in order.
    pub fn build(&self) -> Result<Vec<Box<dyn Method>>> {
        self.methods.iter().map(|name| self.method(name.trim())).collect()
    }

    fn method(&self, name: &str) -> Result<Box<dyn Method>> {
        Ok(match name {
            "closed-form" => Box::new(ClosedForm),
            "sharp" => Box::new(Sharp),
            "ibp" => Box::new(Ibp::default()),
            "lp" => Box::new(Lp::new(self.lp_solver)),
            "best" => Box::new(Best::new(SOUND.iter().map(|name| self.method(name)).collect::<Result<_>>()?)),
            other => bail!("--method `{other}`: expected closed-form, sharp, ibp, lp, smoothing or best"),
        })
    }
}
