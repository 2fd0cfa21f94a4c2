//! The pieces of the manifest as places in the cache, and how the missing ones get there.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anyhow::Context;

use super::cache::{Cache, Slot, create_dir};
use super::fetch;
use super::manifest::{Bundle, GoProgram, Manifest, Postgres, PythonEnvironment, Tool, key};
use super::progress::Progress;
use crate::process::find_program;

/// Downloads and builds at the same time: enough to keep a line and two cores busy.
const AT_ONCE: usize = 3;

/// Committed with the project: what npm installs is pinned by this lockfile.
const FIREBASE: [(&str, &str); 3] = [
    ("package.json", include_str!("../../firebase/package.json")),
    (
        "package-lock.json",
        include_str!("../../firebase/package-lock.json"),
    ),
    (".npmrc", include_str!("../../firebase/.npmrc")),
];
const FIREBASE_PROGRAM: &str = "node_modules/firebase-tools/lib/bin/firebase.js";

/// Where every outside piece is.
#[derive(Debug, Clone)]
pub struct Installed {
    pub livekit_server: PathBuf,
    /// A folder with `bin/`, `lib/` and `share/`.
    pub postgres: PathBuf,
    pub models: PathBuf,
    /// The script that node runs.
    pub firebase: PathBuf,
    pub grpcurl: PathBuf,
    /// A Python with LiveKit's client library.
    pub livekit_python: PathBuf,
    /// Only tests need it, so it may be missing.
    pub chromium: Option<PathBuf>,
}

/// One thing that is fetched or built by itself.
struct Piece<'a> {
    cache: Cache,
    slot: Slot,
    recipe: Recipe<'a>,
}

enum Recipe<'a> {
    Go(&'a GoProgram),
    Postgres(&'a Postgres),
    Bundle(&'a Bundle),
    Firebase,
    Python(&'a PythonEnvironment),
    /// All bundles in one folder.
    Models(&'a [Bundle]),
}

/// Every piece, in the order in which it is good to begin with them.
pub struct Plan<'a> {
    pieces: Vec<Piece<'a>>,
    manifest: &'a Manifest,
}

impl<'a> Plan<'a> {
    pub fn new(manifest: &'a Manifest, cache: &Cache) -> Self {
        let recipes = manifest
            .go_programs
            .iter()
            .map(Recipe::Go)
            .chain([Recipe::Postgres(&manifest.postgres), Recipe::Firebase])
            .chain(manifest.bundles.iter().map(Recipe::Bundle))
            .chain([
                Recipe::Python(&manifest.livekit_python),
                Recipe::Models(&manifest.bundles),
            ]);
        let pieces = recipes
            .map(|recipe| Piece {
                cache: match recipe {
                    Recipe::Postgres(_) => cache.for_postgres(),
                    _ => cache.clone(),
                },
                slot: recipe.slot(),
                recipe,
            })
            .collect();
        Self { pieces, manifest }
    }

    /// Names of the pieces that are not there yet.
    pub fn missing(&self) -> Vec<&str> {
        self.pieces
            .iter()
            .filter(|piece| piece.find().is_none())
            .map(Piece::name)
            .collect()
    }

    /// Whether a tool is needed to bring in `missing`, or later.
    pub fn needs(&self, tool: &Tool, missing: &[&str]) -> bool {
        let go = |name: &&str| {
            self.manifest
                .go_programs
                .iter()
                .any(|program| program.name == **name)
        };
        tool.program != "go" || missing.iter().any(go)
    }

    /// Brings in the missing pieces, several at once. The models folder comes last, since it is made of
    /// bundles. A piece that fails does not keep the others from being finished.
    pub fn install(&self, missing: &[&str], progress: &Progress) -> anyhow::Result<()> {
        let wanted = self
            .pieces
            .iter()
            .filter(|piece| missing.contains(&piece.name()));
        let (last, first): (Vec<_>, Vec<_>) =
            wanted.partition(|piece| matches!(piece.recipe, Recipe::Models(_)));
        install_all(&first, progress)?;
        install_all(&last, progress)
    }

    /// Where everything is.
    ///
    /// # Errors
    ///
    /// A piece is missing.
    pub fn installed(&self, chromium: Option<PathBuf>) -> anyhow::Result<Installed> {
        let inside = |name: &str, file: &str| self.locate(name).map(|path| path.join(file));
        Ok(Installed {
            livekit_server: self.locate("livekit-server")?,
            postgres: inside("postgres", &self.manifest.postgres.folder)?,
            models: self.locate("models")?,
            firebase: inside("firebase-tools", FIREBASE_PROGRAM)?,
            grpcurl: self.locate("grpcurl")?,
            livekit_python: inside("livekit-python", "bin/python")?,
            chromium,
        })
    }

    fn locate(&self, name: &str) -> anyhow::Result<PathBuf> {
        let piece = self
            .pieces
            .iter()
            .find(|piece| piece.name() == name)
            .expect("the plan has it");
        piece
            .find()
            .with_context(|| format!("{name} is missing: run `cargo xtask setup`"))
    }
}

impl Piece<'_> {
    fn name(&self) -> &str {
        &self.slot.name
    }

    /// The piece's folder, or for a program the program itself.
    fn find(&self) -> Option<PathBuf> {
        if let Recipe::Go(program) = self.recipe {
            let installed = program.on_path.as_deref().and_then(find_program);
            return installed.or_else(|| Some(self.cache.find(&self.slot)?.join(&program.name)));
        }
        self.cache.find(&self.slot)
    }

    fn install(&self) -> anyhow::Result<()> {
        let build = |dir: &Path| match &self.recipe {
            Recipe::Go(program) => fetch::go_program(program, dir),
            Recipe::Postgres(postgres) => fetch::wheels(std::slice::from_ref(&postgres.wheel), dir),
            Recipe::Bundle(bundle) => fetch::bundle(bundle, dir),
            Recipe::Firebase => fetch::npm_lockfile(&FIREBASE, dir),
            Recipe::Python(environment) => {
                fetch::python_environment(&fetch::requirements(&environment.wheels), dir)
            }
            Recipe::Models(bundles) => lay_out(bundles, &self.cache, dir),
        };
        self.cache.install(&self.slot, build)?;
        Ok(())
    }
}

impl Recipe<'_> {
    fn slot(&self) -> Slot {
        let (name, key, proof) = match self {
            Self::Go(program) => (program.name.clone(), key(program), program.name.clone()),
            Self::Postgres(postgres) => (
                "postgres".into(),
                key(postgres),
                format!("{}/bin/postgres", postgres.folder),
            ),
            Self::Bundle(bundle) => return bundle_slot(bundle),
            Self::Firebase => (
                "firebase-tools".into(),
                key(&FIREBASE),
                FIREBASE_PROGRAM.into(),
            ),
            Self::Python(environment) => (
                "livekit-python".into(),
                key(environment),
                "bin/python".into(),
            ),
            Self::Models(bundles) => ("models".into(), key(bundles), first_file(&bundles[0])),
        };
        Slot {
            name,
            key,
            proof: proof.into(),
        }
    }
}

fn bundle_slot(bundle: &Bundle) -> Slot {
    Slot {
        name: format!("bundle-{}", bundle.name),
        key: key(bundle),
        proof: first_file(bundle).into(),
    }
}

fn first_file(bundle: &Bundle) -> String {
    bundle.files[0].path.clone()
}

/// Links the files of all bundles into one folder.
fn lay_out(bundles: &[Bundle], cache: &Cache, dir: &Path) -> anyhow::Result<()> {
    for bundle in bundles {
        let from = cache.path(&bundle_slot(bundle));
        for file in &bundle.files {
            let target = dir.join(&file.path);
            create_dir(
                target
                    .parent()
                    .expect("the manifest names a path below the folder"),
            )?;
            std::fs::hard_link(from.join(&file.path), &target)
                .with_context(|| file.path.clone())?;
        }
    }
    Ok(())
}

fn install_all(pieces: &[&Piece], progress: &Progress) -> anyhow::Result<()> {
    let queue = Mutex::new(pieces.iter());
    let failures = Mutex::new(Vec::new());
    let work = || {
        while let Some(piece) = next(&queue) {
            let step = progress.begin(piece.name());
            match piece.install() {
                Ok(()) => step.done(),
                Err(error) => {
                    step.failed();
                    push(
                        &failures,
                        error.context(format!("{} could not be set up", piece.name())),
                    );
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(work);
        }
    });
    let failures = failures
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    if failures.is_empty() {
        return Ok(());
    }
    let texts: Vec<_> = failures.iter().map(|error| format!("{error:#}")).collect();
    anyhow::bail!(
        "{}\nRun `cargo xtask setup` again: what is finished is kept.",
        texts.join("\n\n")
    )
}

fn next<T>(queue: &Mutex<impl Iterator<Item = T>>) -> Option<T> {
    queue
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
        .next()
}

fn push<T>(list: &Mutex<Vec<T>>, item: T) {
    list.lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
        .push(item);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_models_folder_holds_every_bundle() {
        let manifest = Manifest::shipped().unwrap();
        let dir = tempfile::TempDir::new().unwrap();
        let cache = Cache::at(dir.path());
        for bundle in &manifest.bundles {
            cache
                .install(&bundle_slot(bundle), |staging| {
                    for file in &bundle.files {
                        let path = staging.join(&file.path);
                        create_dir(path.parent().unwrap())?;
                        std::fs::write(path, &file.path)?;
                    }
                    Ok(())
                })
                .unwrap();
        }
        let target = dir.path().join("laid-out");
        lay_out(&manifest.bundles, &cache, &target).unwrap();
        for file in manifest.bundles.iter().flat_map(|bundle| &bundle.files) {
            assert_eq!(
                std::fs::read_to_string(target.join(&file.path)).unwrap(),
                file.path
            );
        }
    }

    #[test]
    fn an_empty_cache_lacks_everything_that_is_not_on_the_path() {
        let manifest = Manifest::shipped().unwrap();
        let dir = tempfile::TempDir::new().unwrap();
        let plan = Plan::new(&manifest, &Cache::at(dir.path()));
        let missing = plan.missing();
        for name in [
            "grpcurl",
            "firebase-tools",
            "bundle-kokoro",
            "livekit-python",
            "models",
        ] {
            assert!(missing.contains(&name), "{name} is not in {missing:?}");
        }
    }

    #[test]
    fn the_lockfile_pins_by_hash_and_names_no_registry() {
        let (_, lockfile) = FIREBASE[1];
        assert!(lockfile.contains("\"integrity\": \"sha512-"));
        assert!(!lockfile.contains("\"resolved\""));
    }
}
