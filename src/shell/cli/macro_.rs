//! `topkima macro`: where time and energy of one head go, and where a price comes from.

use std::fmt::Display;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::Failure;
use super::print::out;
use crate::base::energy::Corner;
use crate::hardware::device::Device;
use crate::hardware::events::{Action, Stage, Stated};
use crate::shell::config::{Overrides, Plan, find_above, shipped, tree};
use crate::shell::experiment::{Done, Result as Case, Sink, run};
use crate::study::metrics::Metric;

/// Arguments of `topkima macro`.
#[derive(Debug, clap::Args)]
pub(crate) struct MacroArguments {
    /// A shipped device, or the path of a device file
    #[arg(long)]
    device: Option<String>,
    /// Set a key of experiments/macro.toml, for instance --set topk.k=8
    #[arg(long, value_name = "PATH=VALUE", value_parser = super::run::parse_set)]
    set: Vec<(String, toml::Value)>,
    /// Tell where the price of an action, the leakage or a time comes from; `all` for every one
    #[arg(long, value_name = "ACTION")]
    explain: Option<String>,
}

/// The results of the first point, with the stages of their heads.
struct Seen(Vec<Case>);

impl Sink for Seen {
    type Error = Failure;

    fn finished(&mut self, _done: &Done, results: &[Case]) -> Result<(), Failure> {
        let first = results.iter().filter(|result| result.point == 0);
        self.0.extend(first.cloned());
        Ok(())
    }
}

pub(super) fn show(arguments: &MacroArguments) -> Result<(), Failure> {
    let mut overrides = Overrides {
        set: arguments.set.clone(),
        ..Overrides::default()
    };
    if let Some(device) = &arguments.device {
        let again = |(at, _): &&(String, toml::Value)| {
            ["device", "device.name", "device.path"].contains(&tree::normal(at).as_str())
        };
        if let Some((at, _)) = arguments.set.iter().find(again) {
            return Err(Failure::Asked(vec![format!(
                "command line: --device = {device}: --set {at} names a device, too; give one of the two"
            )]));
        }
        let mut choice = toml::Table::new();
        let as_path = device.ends_with(".toml");
        let value = if as_path {
            // The path is meant from here, and not from where the experiment lies.
            std::path::absolute(device)
                .ok()
                .filter(|_| shipped::name(Path::new(device)).is_none())
                .unwrap_or_else(|| PathBuf::from(device))
                .to_string_lossy()
                .into_owned()
        } else {
            device.clone()
        };
        choice.insert(
            if as_path { "path" } else { "name" }.to_owned(),
            toml::Value::String(value),
        );
        overrides
            .set
            .insert(0, ("device".to_owned(), toml::Value::Table(choice)));
    }
    let own = find_above(Path::new("."), "experiments").map(|folder| folder.join("macro.toml"));
    let own = own.filter(|path| path.is_file());
    let path = own.unwrap_or_else(|| shipped::path("experiments/macro.toml"));
    let mut plan = Plan::load(&path, &overrides)?;
    if plan.points() > 1 {
        return Err(Failure::Asked(vec![format!(
            "command line: the experiment has {} points, and the macro shows one; take the sweep out, or run it: topkima run {}",
            plan.points(),
            path.display()
        )]));
    }
    let device = plan.case(0, 0)?.attention.device.clone();
    if let Some(action) = &arguments.explain {
        return explain(&device, action);
    }
    let mut seen = Seen(Vec::new());
    let came = run(&mut plan, &mut seen)?;
    let Seen(mut results) = seen;
    let mut notices = plan.notices.clone();
    notices.join(&came.notices);
    super::print::tell(&notices);
    results.sort_by_key(|result| result.design);
    screen(&plan, &device, &results, &came.lines)?;
    Ok(())
}

/// One cell of the table: nothing where nothing happened.
fn amount(value: f64) -> String {
    if value == 0.0 {
        "-".to_owned()
    } else {
        format!("{value:.2}")
    }
}

fn screen(plan: &Plan, device: &Device, results: &[Case], notes: &[String]) -> io::Result<()> {
    let mut out = out();
    writeln!(out, "{}", plan.params.question)?;
    writeln!(out, "device {}; {}", device.name, notes.join("\n"))?;
    writeln!(out)?;
    let names: Vec<&str> = results
        .iter()
        .map(|result| plan.params.design[result.design].name.as_str())
        .collect();
    let mean = |result: &Case, metric: Metric| {
        result
            .summary()
            .map_or(0.0, |summary| summary.values[metric as usize].mean)
    };
    // Values of all designs, then how many times the last design's the others are.
    let side = |values: &[f64]| {
        let last = values.last().copied().unwrap_or(0.0);
        let mut text: String = values
            .iter()
            .map(|value| format!(" {:>12}", amount(*value)))
            .collect();
        for value in values.iter().rev().skip(1).rev() {
            let ratio = if last > 0.0 && *value > 0.0 {
                format!("{:.2}x", value / last)
            } else {
                "-".to_owned()
            };
            text.push_str(&format!(" {ratio:>6}"));
        }
        text
    };
    let width = 13 * names.len() + 7 * names.len().saturating_sub(1);
    writeln!(
        out,
        "{:<9} | {:<2$} | energy of a head, nJ, and ratio to {3}",
        "",
        format!(
            "time of a head, us, and ratio to {}",
            names.last().unwrap_or(&"")
        ),
        width - 1,
        names.last().unwrap_or(&"")
    )?;
    let heading: String = names.iter().map(|name| format!(" {name:>12}")).collect();
    writeln!(out, "{:<9} |{heading:<width$} |{heading}", "stage")?;
    for stage in Stage::ALL {
        let (mut times, mut energies) = (Vec::new(), Vec::new());
        for spent in results.iter().filter_map(|result| result.spent.as_ref()) {
            let heads = spent.heads.max(1) as f64;
            let bill = spent.bill(&device.prices, Corner::Nominal);
            times.push(spent.busy.get(stage).nanoseconds() / 1e3 / heads);
            energies.push(bill.stage(stage).si() * 1e9 / heads);
        }
        writeln!(
            out,
            "{:<9} |{} |{}",
            stage.name(),
            side(&times),
            side(&energies)
        )?;
    }
    let all = |of: &dyn Fn(&Case) -> f64| -> Vec<f64> { results.iter().map(of).collect() };
    let leakage = |result: &Case| {
        result.spent.as_ref().map_or(0.0, |spent| {
            let bill = spent.bill(&device.prices, Corner::Nominal);
            bill.leakage().si() * 1e9 / spent.heads.max(1) as f64
        })
    };
    writeln!(
        out,
        "{:<9} |{:<width$} |{}",
        "leakage",
        "",
        side(&all(&leakage))
    )?;
    for (name, metric) in [
        ("total", Metric::EnergyPj),
        ("at low", Metric::EnergyPjLow),
        ("at high", Metric::EnergyPjHigh),
    ] {
        let times = if metric == Metric::EnergyPj {
            side(&all(&|result| mean(result, Metric::LatencyNs) / 1e3))
        } else {
            String::new()
        };
        writeln!(
            out,
            "{name:<9} |{times:<width$} |{}",
            side(&all(&|result| mean(result, metric) / 1e3))
        )?;
    }
    writeln!(
        out,
        "{:<9} |{:<width$} |{}",
        "TOPS, /W",
        side(&all(&|result| mean(result, Metric::Tops))),
        side(&all(&|result| mean(result, Metric::TopsPerW)))
    )?;
    let alphas: Vec<String> = results
        .iter()
        .zip(&names)
        .filter(|(result, _)| {
            result
                .summary()
                .is_some_and(|summary| summary.values[Metric::Alpha as usize].count > 0)
        })
        .map(|(result, name)| format!("{name} {:.3}", mean(result, Metric::Alpha)))
        .collect();
    if !alphas.is_empty() {
        writeln!(out, "alpha (steps over a full ramp): {}", alphas.join(", "))?;
    }
    writeln!(
        out,
        "times are how long each stage works; in a pipeline they overlap. --explain ACTION tells where a price comes from, --explain clock where a time does"
    )
}

/// What is told of one number: its name, a sentence, then lines of a heading and a text.
type Told = (&'static str, &'static str, Vec<(&'static str, String)>);

/// The sizes a price is for, as a price list writes them.
fn sizes(stated: &Stated) -> String {
    let text = toml::to_string(stated).unwrap_or_default();
    if text.is_empty() {
        "every size".to_owned()
    } else {
        text.trim().replace('\n', ", ")
    }
}

/// Every number that can be asked for: prices, leakage, time constants.
fn told(device: &Device) -> Vec<Told> {
    let range = |value: &dyn Display, low: &dyn Display, high: &dyn Display| {
        format!("{value} (low {low}, high {high})")
    };
    let prices = Action::ALL.map(|action| {
        let price = device.prices.explain(action);
        let lines = vec![
            ("value", range(&price.energy, &price.low, &price.high)),
            ("node", format!("{} at {}", price.node, price.voltage)),
            ("source", price.source.clone()),
            ("contains", price.contains.join("; ")),
            ("for", sizes(&price.stated)),
        ];
        (action.name(), action.about(), lines)
    });
    let leak = device.prices.leakage();
    let leakage = vec![
        ("value", range(&leak.power, &leak.low, &leak.high)),
        ("node", format!("{} at {}", leak.node, leak.voltage)),
        ("source", leak.source.clone()),
        ("contains", leak.contains.join("; ")),
        ("for", sizes(&leak.stated)),
    ];
    let about = "power of one tile with its share of the periphery";
    let times = device.timing.each().map(|(name, about, one)| {
        let lines = vec![
            ("value", range(&one.value, &one.low, &one.high)),
            ("source", one.source.clone()),
        ];
        (name, about, lines)
    });
    prices
        .into_iter()
        .chain([("leakage", about, leakage)])
        .chain(times)
        .collect()
}

fn explain(device: &Device, wanted: &str) -> Result<(), Failure> {
    let told = told(device);
    if wanted != "all" && told.iter().all(|(name, ..)| *name != wanted) {
        let names: Vec<&str> = told.iter().map(|(name, ..)| *name).collect();
        return Err(Failure::Asked(vec![format!(
            "--explain = \"{wanted}\": is no action and no time; write `all` or one of {}",
            names.join(", ")
        )]));
    }
    let mut out = out();
    for (name, about, lines) in told {
        if wanted == "all" || name == wanted {
            writeln!(out, "{name}: {about}")?;
            for (heading, text) in lines {
                writeln!(out, "  {heading:<9} {text}")?;
            }
        }
    }
    Ok(())
}
