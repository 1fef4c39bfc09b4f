use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::Done;
use crate::commands::verb::{Invocation, Policy, Verb};
use crate::error::Result;
use crate::session::Context;
use crate::session::call::everywhere;
use crate::session::doctor;
use crate::session::doctor::finding::{Finding, FindingStatus, Section};
use crate::ui::style::Tone;
use crate::ui::view::{Cell, Column, Group, Item, View, Viewed};

/// Find out what is wrong here, and the command that mends it
///
/// Looks at files, profiles, variables, the credential store (a probe is written, read and deleted), what a
/// login needs, the way to every platform and each profile's credential. Nothing is changed, not even a
/// file's mode, and no token is renewed, unless --fix says so. Exits with 1 if something is broken.
#[derive(Debug, Args)]
pub struct Doctor {
    /// Mend what is safe to mend: modes, logins.toml, older copies of a credential, temporary files
    #[arg(long)]
    fix: bool,
    /// Ask no platform
    #[arg(long)]
    offline: bool,
}

/// `autocom doctor -o json`.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "autocom doctor")]
#[serde(transparent)]
pub struct DoctorAnswer(Vec<Finding>);

impl Viewed for DoctorAnswer {
    fn view(&self) -> View {
        let names = ["SECTION", "CHECK", "STATUS", "FINDING", "FIX", "FIXED"];
        View::Report {
            columns: names.into_iter().map(Column::kept).collect(),
            rows: self.0.iter().map(cells).collect(),
            groups: groups(&self.0),
            summary: summary(&self.0),
        }
    }
}

fn cells(finding: &Finding) -> Vec<Cell> {
    vec![
        Cell::new(finding.section.as_str()),
        Cell::new(&finding.check),
        Cell::new(finding.status.as_str()),
        Cell::new(&finding.finding),
        Cell::new(finding.fix.as_ref().map(ToString::to_string).unwrap_or_default()),
        Cell::new(if finding.fixed { "yes" } else { "no" }),
    ]
}

fn groups(findings: &[Finding]) -> Vec<Group> {
    let mut groups: Vec<(Section, Group)> = Vec::new();
    for finding in findings {
        let item = Item {
            mark: if finding.fixed { Cell::new("fixed").tone(Tone::Good) } else { mark(finding.status) },
            name: finding.check.clone(),
            text: finding.finding.clone(),
            command: finding.fix.as_ref().map(ToString::to_string),
        };
        match groups.iter_mut().find(|(section, _)| *section == finding.section) {
            Some((_, group)) => group.items.push(item),
            None => {
                groups.push((finding.section, Group { title: finding.section.as_str(), items: vec![item] }))
            }
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

fn mark(status: FindingStatus) -> Cell {
    Cell::new(status.as_str()).tone(match status {
        FindingStatus::Ok => Tone::Good,
        FindingStatus::Warn => Tone::Warn,
        FindingStatus::Broken => Tone::Bad,
        FindingStatus::Skipped => Tone::Faint,
    })
}

fn summary(findings: &[Finding]) -> Cell {
    let count = |status| findings.iter().filter(|finding| finding.status == status).count();
    let (broken, warnings) = (count(FindingStatus::Broken), count(FindingStatus::Warn));
    let fixed = findings.iter().filter(|finding| finding.fixed).count();
    let fixed = if fixed > 0 { format!("; {fixed} mended") } else { String::new() };
    match (broken, warnings) {
        (0, 0) => Cell::new(format!("all is well{fixed}")).tone(Tone::Good),
        (0, _) => Cell::new(format!("{warnings} to look at, nothing broken{fixed}")).tone(Tone::Warn),
        (_, 0) => Cell::new(format!("{broken} broken{fixed}")).tone(Tone::Bad),
        _ => Cell::new(format!("{broken} broken, {warnings} to look at{fixed}")).tone(Tone::Bad),
    }
}

impl Verb for Doctor {
    fn policy(&self) -> Policy {
        Policy::DEFAULT.without_output_setting().with_own_expectations()
    }

    fn run(self: Box<Self>, context: &Context, _: &Invocation<'_>) -> Result<Done> {
        let mut met = everywhere::meet_all_expectations(context);
        if !self.offline {
            // It asks every platform.
            met = met.and_then(|()| everywhere::meet_all_profiles(context));
        }
        match met {
            // Nobody is asked where no profile can be known, and it is here that one learns why.
            Err(_) if context.config().is_err() => {}
            met => met?,
        }
        let findings = doctor::doctor(context, self.fix, self.offline)?;
        let broken = findings.iter().any(|finding| finding.status == FindingStatus::Broken);
        Ok(Done { exit_code: u8::from(broken), ..Done::answer(DoctorAnswer(findings)) })
    }
}
