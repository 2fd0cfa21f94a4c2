//! `manifest.toml`: what `setup` brings in, pinned. Data only; nothing is fetched here.

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

const MANIFEST: &str = include_str!("../../manifest.toml");

/// Every outside piece of the project.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    #[serde(rename = "tool")]
    pub tools: Vec<Tool>,
    #[serde(rename = "go")]
    pub go_programs: Vec<GoProgram>,
    pub postgres: Postgres,
    #[serde(rename = "bundle")]
    pub bundles: Vec<Bundle>,
    pub livekit_python: PythonEnvironment,
}

/// A program that has to be on the machine already.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tool {
    pub program: String,
    pub needed_for: String,
    /// The lowest version that works, major and minor.
    pub minimum: Option<(u32, u32)>,
    /// What makes the program print its version.
    #[serde(default = "version_flag")]
    pub version_args: Vec<String>,
    /// Modules without which a Python is of no use here.
    #[serde(default)]
    pub python_modules: Vec<String>,
    /// The Debian packages that hold it.
    pub debian: Vec<String>,
}

fn version_flag() -> Vec<String> {
    vec!["--version".into()]
}

/// A program built with `go install`.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct GoProgram {
    pub name: String,
    pub package: String,
    pub version: String,
    /// The hash of the module, as Go records it in the built binary.
    pub sum: String,
    /// A program of this name on the `PATH` is used instead of building one.
    pub on_path: Option<String>,
    /// Nothing but tests needs it.
    #[serde(default)]
    pub for_tests: bool,
}

/// A package of PyPI or npm. Any of the hashes is accepted, since they differ by machine.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Package {
    pub name: String,
    pub version: String,
    pub sha256: Vec<String>,
}

/// PostgreSQL, kept as the wheel unpacks.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Postgres {
    pub wheel: Package,
    /// Where `bin/`, `lib/` and `share/` are inside the unpacked wheel.
    pub folder: String,
}

/// Packages fetched together, and the files that are picked out of them.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    pub name: String,
    #[serde(default)]
    pub wheels: Vec<Package>,
    #[serde(default)]
    pub npm: Vec<Package>,
    #[serde(rename = "file")]
    pub files: Vec<PickedFile>,
}

/// One file of the models folder.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PickedFile {
    /// Where it goes, relative to the models folder.
    pub path: String,
    /// Where it comes from, relative to the unpacked packages. Several are joined in order.
    pub from: Vec<String>,
    /// Of the result. Any of them is accepted, since a native library differs by machine.
    pub sha256: Vec<String>,
}

/// A virtual environment with exactly these packages.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PythonEnvironment {
    pub wheels: Vec<Package>,
}

impl Manifest {
    /// The manifest that the project ships.
    pub fn shipped() -> anyhow::Result<Self> {
        Self::parse(MANIFEST).context("crates/xtask/manifest.toml")
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let manifest: Self = toml::from_str(text)?;
        manifest.validate()?;
        Ok(manifest)
    }

    fn validate(&self) -> anyhow::Result<()> {
        let packages = std::iter::once(&self.postgres.wheel)
            .chain(&self.livekit_python.wheels)
            .chain(
                self.bundles
                    .iter()
                    .flat_map(|b| b.wheels.iter().chain(&b.npm)),
            );
        for package in packages {
            validate_hashes(&package.name, &package.sha256)?;
        }
        for file in self.bundles.iter().flat_map(|bundle| &bundle.files) {
            validate_hashes(&file.path, &file.sha256)?;
            for path in std::iter::once(&file.path).chain(&file.from) {
                validate_path(path)?;
            }
            if file.from.is_empty() {
                bail!("{}: `from` names no file", file.path);
            }
        }
        Ok(())
    }
}

/// A short name for a piece that changes whenever anything about the piece does.
pub fn key(piece: &impl Serialize) -> String {
    let json = serde_json::to_vec(piece).expect("manifest entries are plain data");
    hex(&Sha256::digest(json))[..16].to_owned()
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
        text
    })
}

fn validate_hashes(name: &str, hashes: &[String]) -> anyhow::Result<()> {
    let is_sha256 = |hash: &String| {
        hash.len() == 64 && hash.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    if hashes.is_empty() {
        bail!("{name}: no sha256 is given");
    }
    match hashes.iter().find(|hash| !is_sha256(hash)) {
        Some(hash) => bail!("{name}: {hash:?} is not a sha256 in lower-case hexadecimal"),
        None => Ok(()),
    }
}

fn validate_path(path: &str) -> anyhow::Result<()> {
    let plain = std::path::Path::new(path)
        .components()
        .all(|part| matches!(part, std::path::Component::Normal(_)));
    if path.is_empty() || !plain {
        bail!("{path:?} is not a path inside the folder");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_manifest_is_valid() {
        let manifest = Manifest::shipped().unwrap();
        assert!(manifest.tools.iter().any(|tool| tool.program == "go"));
        assert_eq!(key(&manifest.bundles).len(), 16);
    }

    #[test]
    fn the_models_folder_is_laid_out_as_the_speech_crate_reads_it() {
        let manifest = Manifest::shipped().unwrap();
        let mut paths: Vec<_> = manifest
            .bundles
            .iter()
            .flat_map(|bundle| &bundle.files)
            .map(|file| &file.path)
            .collect();
        paths.sort();
        insta::assert_debug_snapshot!(paths, @r#"
        [
            "kokoro/kokoro-v1.0.int8.onnx",
            "kokoro/voices/af_alloy.bin",
            "kokoro/voices/af_bella.bin",
            "kokoro/voices/af_heart.bin",
            "kokoro/voices/af_nova.bin",
            "kokoro/voices/af_sarah.bin",
            "kokoro/voices/am_echo.bin",
            "kokoro/voices/am_eric.bin",
            "kokoro/voices/am_michael.bin",
            "kokoro/voices/am_onyx.bin",
            "kokoro/voices/bf_emma.bin",
            "kokoro/voices/bf_isabella.bin",
            "kokoro/voices/bm_daniel.bin",
            "kokoro/voices/bm_fable.bin",
            "kokoro/voices/bm_george.bin",
            "minilm/model.onnx",
            "moonshine-tiny-en/decoder_model_merged.ort",
            "moonshine-tiny-en/encoder_model.ort",
            "moonshine-tiny-en/tokenizer.bin",
            "onnxruntime/libonnxruntime.so",
            "recordings/beckett.wav",
            "recordings/two_cities.wav",
            "silero/silero_vad_16k_op15.onnx",
            "smart-turn/smart-turn-v3.2-cpu.onnx",
        ]
        "#);
    }

    #[test]
    fn a_changed_hash_changes_the_key() {
        let package = |hash: &str| Package {
            name: "a".into(),
            version: "1".into(),
            sha256: vec![hash.into()],
        };
        assert_ne!(key(&package("1")), key(&package("2")));
        assert_eq!(key(&package("1")), key(&package("1")));
    }

    #[test]
    fn a_malformed_hash_is_named() {
        let text = MANIFEST.replace(
            "7ed98ddbad84ccac4cd0aeb3099049280713df825c610a8ed34543318f1b2c49",
            "7ED98",
        );
        let error = Manifest::parse(&text).unwrap_err().to_string();
        assert_eq!(
            error,
            "silero/silero_vad_16k_op15.onnx: \"7ED98\" is not a sha256 in lower-case hexadecimal"
        );
    }

    #[test]
    fn a_path_that_leaves_the_models_folder_is_refused() {
        let text = MANIFEST.replace("path = \"minilm/model.onnx\"", "path = \"../model.onnx\"");
        let error = Manifest::parse(&text).unwrap_err().to_string();
        assert_eq!(error, "\"../model.onnx\" is not a path inside the folder");
    }
}
