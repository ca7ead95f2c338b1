//! What the program holds in itself, so that it works wherever it was copied: device files, experiments, and what
//! `reproduce` reads, as far as it is small. A path of one begins with `built-in:`.

use std::path::{Component, Path, PathBuf};

/// What the path of a built-in file begins with.
pub const MARK: &str = "built-in:";

/// Largest file that is built in, in bytes; larger ones lie in the repository.
pub const LARGEST: usize = 1 << 20;

macro_rules! shipped {
    ($($path:literal)*) => {
        /// Paths in the repository, and what they held when the program was built.
        const FILES: &[(&str, &[u8])] = &[
            $(($path, include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/", $path))),)*
        ];
    };
}

shipped! {
    "data/attention/README.md"
    "data/attention/calibration.safetensors"
    "data/attention/test.safetensors"
    "device_params/fefet.toml"
    "device_params/ideal.toml"
    "device_params/pcm-joshi2020.toml"
    "device_params/rram-wan2022.toml"
    "device_params/shared/column-65nm.toml"
    "device_params/shared/periphery-65nm.toml"
    "device_params/sonos.toml"
    "device_params/sram-65nm.toml"
    "device_params/template.toml"
    "experiments/accuracy_vs_bits.toml"
    "experiments/accuracy_vs_cell_noise.toml"
    "experiments/accuracy_vs_crossbar.toml"
    "experiments/accuracy_vs_k_mails.toml"
    "experiments/accuracy_vs_k_sts.toml"
    "experiments/accuracy_vs_k_vit.toml"
    "experiments/accuracy_vs_noise.toml"
    "experiments/accuracy_vs_probe_mails.toml"
    "experiments/accuracy_vs_softmax.toml"
    "experiments/adc_bits.toml"
    "experiments/cost_vs_length.toml"
    "experiments/k_sweep.toml"
    "experiments/macro.toml"
    "experiments/noise_sweep.toml"
    "experiments/pipeline.toml"
    "experiments/results/accuracy_vs_noise/rows.csv"
    "experiments/throughput.toml"
    "experiments/throughput_nominal.toml"
    "experiments/throughput_sweep.toml"
    "experiments/tile_sweep.toml"
    "experiments/train_vit.toml"
}

/// The built-in file or folder of a path in the repository.
#[must_use]
pub fn path(name: &str) -> PathBuf {
    PathBuf::from(format!("{MARK}{name}"))
}

/// The path in the repository that a path means, if it begins with the mark; empty where it leads out.
#[must_use]
pub fn name(path: &Path) -> Option<String> {
    let inside = path.to_str()?.strip_prefix(MARK)?;
    let mut parts: Vec<&str> = Vec::new();
    for part in Path::new(inside).components() {
        match part {
            Component::Normal(part) => parts.push(part.to_str()?),
            Component::CurDir => {}
            _ => {
                if parts.pop().is_none() {
                    return Some(String::new());
                }
            }
        }
    }
    Some(parts.join("/"))
}

/// What a built-in file holds.
#[must_use]
pub fn bytes(path: &Path) -> Option<&'static [u8]> {
    let name = name(path)?;
    let found = FILES.iter().find(|(known, _)| *known == name);
    found.map(|(_, bytes)| *bytes)
}

/// Names of the built-in files directly in a folder with this ending, without it, in order.
#[must_use]
pub fn list(folder: &Path, ending: &str) -> Vec<String> {
    let Some(folder) = name(folder) else {
        return Vec::new();
    };
    let inside = |(known, _): &(&str, &[u8])| {
        let file = known.strip_prefix(&folder)?.strip_prefix('/')?;
        let own = !file.contains('/');
        file.strip_suffix(ending).filter(|_| own).map(str::to_owned)
    };
    FILES.iter().filter_map(inside).collect()
}

/// The built-in file that is called like the last part of a path.
#[must_use]
pub fn called(path: &Path) -> Option<PathBuf> {
    let wanted = path.file_name()?;
    let known = FILES.iter().map(|(known, _)| *known);
    let mut texts = known.filter(|known| known.ends_with(".toml"));
    let found = texts.find(|known| Path::new(known).file_name() == Some(wanted));
    found.map(self::path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn root() -> &'static Path {
        Path::new(env!("CARGO_MANIFEST_DIR"))
    }

    #[test]
    fn every_device_and_experiment_is_built_in_as_it_is_shipped() {
        for folder in ["device_params", "device_params/shared", "experiments"] {
            let mut names: Vec<String> = fs::read_dir(root().join(folder))
                .unwrap()
                .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
                .filter_map(|name| name.strip_suffix(".toml").map(str::to_owned))
                .collect();
            names.sort();
            assert_eq!(list(&path(folder), ".toml"), names, "{folder}");
        }
        let mut all = 0;
        for (name, bytes) in FILES {
            assert_eq!(fs::read(root().join(name)).unwrap(), *bytes, "{name}");
            assert!(bytes.len() <= LARGEST, "{name}");
            all += bytes.len();
        }
        assert!(all <= 2 * LARGEST, "{all} bytes");
    }

    #[test]
    fn a_built_in_path_goes_up_and_not_out() {
        let at = |text: &str| name(Path::new(text));
        let base = path("experiments");
        assert_eq!(name(&base.join("../data/./x")).as_deref(), Some("data/x"));
        assert_eq!(at("built-in:../../etc/passwd").as_deref(), Some(""));
        assert_eq!(at("built-in:/etc/passwd").as_deref(), Some(""));
        assert_eq!(at("device_params/ideal.toml"), None);
        assert!(bytes(Path::new("built-in:device_params/../../x")).is_none());
        assert!(bytes(&path("device_params/ideal.toml")).is_some());
        assert_eq!(
            called(Path::new("elsewhere/template.toml")),
            Some(path("device_params/template.toml"))
        );
    }
}
