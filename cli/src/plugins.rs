//! Finding the shipped sets of builtins, and loading them and the plugins that are asked for.

use crate::failure::{Failure, Result, reason};
use crate::settings::{Mode, Settings};
use crate::world::as_path;
use piton_core::error::Error;
use piton_core::eval::Evaluator;
use piton_core::host::{LoadPolicy, ShippedBuild};
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The build id of this program, which the shipped sets must have, too.
pub const BUILD_ID: &str = env!("PITON_BUILD_ID");

/// A failure to load: known to the evaluator, or before it came to that.
pub enum LoadFailure {
    /// The evaluator refused.
    Refused(Error),
    /// There is nothing to load.
    Absent(Failure),
}

/// Loads what `settings` ask for: the shipped sets, then the others in their order.
pub fn load_all(
    evaluator: &mut Evaluator,
    settings: &Settings,
) -> std::result::Result<(), LoadFailure> {
    load_shipped(evaluator, "pure")?;
    if !settings.no_impure {
        load_shipped(evaluator, "impure")?;
    }
    let policy = LoadPolicy {
        override_existing: settings.plugin_override,
        // Code that is loaded could do anything, so that pure evaluation takes only what declares that it does nothing.
        only_capabilities: matches!(settings.mode, Mode::Pure | Mode::PureEval).then_some(0),
        ..LoadPolicy::default()
    };
    for file in &settings.plugins {
        load(evaluator, file, &policy)?;
    }
    Ok(())
}

/// Loads one plugin.
pub fn load(
    evaluator: &mut Evaluator,
    file: &Path,
    policy: &LoadPolicy,
) -> std::result::Result<(), LoadFailure> {
    let bytes = open(file).map_err(LoadFailure::Absent)?;
    // The system's loader looks for names without a slash elsewhere.
    let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    evaluator
        .load_plugin(&file, bytes, policy)
        .map_err(LoadFailure::Refused)
}

/// A plugin, to be read.
pub fn open(file: &Path) -> Result<File> {
    let refuse = |why: String| {
        Failure::new(format!(
            "cannot load the plugin '{}': {why}",
            file.display()
        ))
    };
    match std::fs::metadata(file) {
        Ok(metadata) if !metadata.is_file() => Err(refuse("it is not a file".to_owned())),
        Ok(_) => File::open(file).map_err(|error| refuse(reason(&error))),
        Err(error) => Err(refuse(reason(&error))),
    }
}

/// Loads a set that ships with Piton. Where several builds of it lie about (a build of the whole workspace leaves one beside
/// the program, a build of the program alone leaves a newer one in `deps`), the first one of this very build is taken.
fn load_shipped(
    evaluator: &mut Evaluator,
    name: &'static str,
) -> std::result::Result<(), LoadFailure> {
    let file_name = format!(
        "{}piton_{name}{}",
        std::env::consts::DLL_PREFIX,
        std::env::consts::DLL_SUFFIX
    );
    let folders = folders();
    let policy = LoadPolicy {
        shipped: Some(ShippedBuild {
            name,
            build_id: BUILD_ID,
        }),
        ..LoadPolicy::default()
    };
    let mut refusal = None;
    for file in folders
        .iter()
        .map(|folder| folder.join(&file_name))
        .filter(|file| file.is_file())
    {
        match load(evaluator, &file, &policy) {
            Ok(()) => return Ok(()),
            Err(error) => refusal = refusal.or(Some(error)),
        }
    }
    Err(refusal.unwrap_or_else(|| {
        let looked: String = folders.iter().map(|folder| format!("\n  {}", folder.display())).collect();
        LoadFailure::Absent(Failure::new(format!(
            "cannot find the {name} builtins ('{file_name}'), which ship with Piton; looked in{looked}\n\
             $PITON_PLUGIN_PATH can name other folders"
        )))
    }))
}

/// Where shipped sets may lie, in the order in which they are looked for.
fn folders() -> Vec<PathBuf> {
    let mut folders = Vec::new();
    if let Ok(program) = std::env::current_exe() {
        let program = program.canonicalize().unwrap_or(program);
        if let Some(folder) = program.parent() {
            folders.extend([folder.to_owned(), folder.join("deps")]);
            folders.extend(
                folder
                    .parent()
                    .map(|prefix| prefix.join("lib/piton/plugins")),
            );
        }
    }
    if let Some(list) = std::env::var_os("PITON_PLUGIN_PATH") {
        // Not `split_paths`, which knows no empty entries to leave out.
        folders.extend(
            list.as_bytes()
                .split(|byte| *byte == b':')
                .filter(|folder| !folder.is_empty())
                .map(|folder| as_path(folder).to_owned()),
        );
    }
    folders
}
