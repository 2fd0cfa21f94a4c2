//! How each kind of piece is fetched, through its registry's own client, and proved to be the pinned one.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use sha2::{Digest, Sha256};

use super::manifest::{Bundle, GoProgram, Package, PickedFile, hex};
use crate::process::run;

/// For one package on a slow line.
const FETCH_LIMIT: Duration = Duration::from_secs(20 * 60);
/// The LiveKit server takes 2.5 minutes on two idle cores.
const BUILD_LIMIT: Duration = Duration::from_secs(40 * 60);
const LOCAL_LIMIT: Duration = Duration::from_secs(2 * 60);

/// Builds a Go program into `dir`, under the name in the manifest.
///
/// # Errors
///
/// Also when the module that went into the binary is not the pinned one.
pub fn go_program(program: &GoProgram, dir: &Path) -> anyhow::Result<()> {
    let package = format!("{}@{}", program.package, program.version);
    run(
        Command::new("go")
            .args(["install", &package])
            .env("GOBIN", dir)
            .env_remove("GOFLAGS"),
        BUILD_LIMIT,
    )?;
    let built = dir.join(
        program
            .package
            .rsplit('/')
            .next()
            .unwrap_or(&program.package),
    );
    let module = run(
        Command::new("go").args(["version", "-m"]).arg(&built),
        LOCAL_LIMIT,
    )?
    .stdout;
    let recorded = module
        .lines()
        .find(|line| line.split_whitespace().next() == Some("mod"));
    let expected = [program.version.as_str(), program.sum.as_str()];
    let found: Vec<_> = recorded
        .unwrap_or_default()
        .split_whitespace()
        .skip(2)
        .collect();
    ensure!(
        found == expected,
        "{package}: expected module {expected:?}, built from {found:?}"
    );
    let named = dir.join(&program.name);
    fs::rename(&built, &named).with_context(|| named.display().to_string())
}

/// Unpacks wheels into `dir`, as pip lays them out. pip refuses a wheel with another hash.
pub fn wheels(packages: &[Package], dir: &Path) -> anyhow::Result<()> {
    if packages.is_empty() {
        return Ok(());
    }
    install(&requirements(packages), dir)
}

/// Unpacks the wheels of a requirements file into `dir`, those of a dependency only when they are named.
fn install(requirements: &str, dir: &Path) -> anyhow::Result<()> {
    let requirements = Scratch::create(dir, "requirements.txt", requirements)?;
    run(
        Command::new("python3")
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--no-input",
            ])
            .args([
                "--no-deps",
                "--only-binary=:all:",
                "--require-hashes",
                "--no-compile",
            ])
            .args([
                "--no-cache-dir",
                "--no-warn-script-location",
                "--root-user-action=ignore",
            ])
            .arg("--target")
            .arg(dir)
            .arg("--requirement")
            .arg(&requirements.0),
        FETCH_LIMIT,
    )?;
    Ok(())
}

/// A requirements file that names `packages`.
pub fn requirements(packages: &[Package]) -> String {
    let line = |package: &Package| {
        let hashes: String = package
            .sha256
            .iter()
            .map(|hash| format!(" --hash=sha256:{hash}"))
            .collect();
        format!("{}=={}{hashes}\n", package.name, package.version)
    };
    packages.iter().map(line).collect()
}

/// Unpacks an npm package into `dir/<name>`. Nothing of it is run.
fn npm_package(package: &Package, dir: &Path) -> anyhow::Result<()> {
    let spec = format!("{}@{}", package.name, package.version);
    let download = dir.join(".download");
    fs::create_dir(&download)?;
    run(
        Command::new("npm")
            .args([
                "pack",
                &spec,
                "--silent",
                "--ignore-scripts",
                "--pack-destination",
            ])
            .arg(&download)
            .current_dir(&download),
        FETCH_LIMIT,
    )?;
    let archive = fs::read_dir(&download)?
        .next()
        .with_context(|| format!("{spec}: no archive"))??
        .path();
    verify(&archive, &package.sha256)?;
    let unpacked = dir.join(&package.name);
    fs::create_dir_all(&unpacked)?;
    run(
        Command::new("tar")
            .args([
                "--extract",
                "--gzip",
                "--strip-components=1",
                "--no-same-owner",
                "--file",
            ])
            .arg(&archive)
            .arg("--directory")
            .arg(&unpacked),
        LOCAL_LIMIT,
    )?;
    Ok(fs::remove_dir_all(&download)?)
}

/// Fetches a bundle's packages and leaves only its files in `dir`, under their final paths.
pub fn bundle(bundle: &Bundle, dir: &Path) -> anyhow::Result<()> {
    let packages = dir.join(".packages");
    fs::create_dir(&packages)?;
    wheels(&bundle.wheels, &packages)?;
    for package in &bundle.npm {
        npm_package(package, &packages)?;
    }
    for file in &bundle.files {
        pick(file, &packages, dir).with_context(|| file.path.clone())?;
    }
    Ok(fs::remove_dir_all(&packages)?)
}

fn pick(file: &PickedFile, packages: &Path, dir: &Path) -> anyhow::Result<()> {
    let target = dir.join(&file.path);
    fs::create_dir_all(
        target
            .parent()
            .expect("the manifest names a path below the folder"),
    )?;
    let mut joined = File::create(&target)?;
    for from in &file.from {
        let mut part = File::open(packages.join(from)).with_context(|| from.clone())?;
        std::io::copy(&mut part, &mut joined)?;
    }
    joined.flush()?;
    verify(&target, &file.sha256)
}

/// Makes a virtual environment in `dir` with exactly the given requirements. It has no pip of its own.
pub fn python_environment(requirements: &str, dir: &Path) -> anyhow::Result<()> {
    run(
        Command::new("python3")
            .args(["-m", "venv", "--without-pip"])
            .arg(dir),
        LOCAL_LIMIT,
    )?;
    let script = "import sysconfig; print(sysconfig.get_path('purelib'))";
    let found = run(
        Command::new(dir.join("bin/python")).args(["-c", script]),
        LOCAL_LIMIT,
    )?;
    let site_packages = PathBuf::from(found.stdout.trim());
    ensure!(
        site_packages.starts_with(dir),
        "{} is outside the environment",
        site_packages.display()
    );
    install(requirements, &site_packages)
}

/// Installs what the lockfile in `source` names, scripts and optional packages left out.
pub fn npm_lockfile(source: &[(&str, &str)], dir: &Path) -> anyhow::Result<()> {
    for (name, text) in source {
        fs::write(dir.join(name), text)?;
    }
    run(
        Command::new("npm")
            .args([
                "ci",
                "--ignore-scripts",
                "--omit=optional",
                "--no-audit",
                "--no-fund",
            ])
            .current_dir(dir),
        FETCH_LIMIT,
    )?;
    Ok(())
}

/// # Errors
///
/// The file's sha256 is none of the accepted ones.
pub fn verify(path: &Path, accepted: &[String]) -> anyhow::Result<()> {
    let found = sha256(path).with_context(|| path.display().to_string())?;
    if !accepted.contains(&found) {
        bail!(
            "{}: sha256 is {found}, expected {}",
            path.display(),
            accepted.join(" or ")
        );
    }
    Ok(())
}

fn sha256(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex(&hash.finalize())),
            read => hash.update(&buffer[..read]),
        }
    }
}

/// A file beside `dir` that is gone when the value is.
struct Scratch(PathBuf);

impl Scratch {
    fn create(dir: &Path, name: &str, text: &str) -> anyhow::Result<Self> {
        let path = dir.join(format!(".{name}"));
        fs::write(&path, text).with_context(|| path.display().to_string())?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A leftover is harmless: nothing reads it.
        let _ = fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn a_requirement_lists_every_accepted_hash() {
        let package = Package {
            name: "a".into(),
            version: "1.0".into(),
            sha256: vec!["aa".into(), "bb".into()],
        };
        assert_eq!(
            requirements(&[package]),
            "a==1.0 --hash=sha256:aa --hash=sha256:bb\n"
        );
    }

    #[test]
    fn parts_are_joined_in_order_and_verified() {
        let dir = TempDir::new().unwrap();
        let packages = dir.path().join("packages");
        fs::create_dir(&packages).unwrap();
        fs::write(packages.join("1"), "ab").unwrap();
        fs::write(packages.join("2"), "c").unwrap();
        let mut file = PickedFile {
            path: "x/joined".into(),
            from: vec!["1".into(), "2".into()],
            sha256: vec!["ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad".into()],
        };
        pick(&file, &packages, dir.path()).unwrap();
        assert_eq!(
            fs::read_to_string(dir.path().join("x/joined")).unwrap(),
            "abc"
        );

        file.from.reverse();
        let error = pick(&file, &packages, dir.path()).unwrap_err().to_string();
        assert!(error.contains("expected ba7816bf"), "{error}");
    }
}
