//! What fetchers are tried on: a server with archives of one tree, and a cache of one's own.

use crate::repository::GIT_ENVIRONMENT;
use crate::run::{Finished, Run, piton_run};
use crate::server::{Answer, Server};
use crate::{main_message, source_dir};
use std::fs;
use tempfile::TempDir;

/// A server with the archives, and a cache of one's own.
pub struct Place {
    /// What is asked.
    pub server: Server,
    /// Where the cache is, and what the test puts there.
    pub folder: TempDir,
}

impl Place {
    /// One that speaks HTTP.
    pub fn new() -> Self {
        Place::with(Server::new())
    }

    /// One with this server.
    pub fn with(server: Server) -> Self {
        for extension in ["tar", "tar.gz", "tar.xz", "tar.bz2", "tar.zst"] {
            server.put(
                &format!("/top.{extension}"),
                Answer::file(archive(extension)),
            );
        }
        let folder = tempfile::tempdir().expect("a folder can be made");
        Place { server, folder }
    }

    /// An evaluation with these arguments.
    pub fn run(&self, args: &[&str]) -> Run {
        let mut run = piton_run(["instantiate", "--eval", "--strict"]);
        for (name, value) in GIT_ENVIRONMENT {
            run = run.env(name, value);
        }
        run.env("XDG_CACHE_HOME", self.folder.path().join("cache"))
            .args(args)
    }

    /// The end of the evaluation of `expr`.
    pub fn finish(&self, args: &[&str], expr: &str) -> Finished {
        self.run(args).args(["--expr", expr]).finish()
    }

    /// The value of `expr`, printed.
    #[track_caller]
    pub fn eval(&self, expr: &str) -> String {
        self.finish(&[], expr).success()
    }

    /// The message of the error.
    #[track_caller]
    pub fn fails(&self, args: &[&str], expr: &str) -> String {
        let report = self.finish(args, expr).failure();
        main_message(&report).unwrap_or_else(|| panic!("no message:\n{report}"))
    }

    /// The URL of what the server has at `path`.
    pub fn url(&self, path: &str) -> String {
        self.server.url(path)
    }
}

impl Default for Place {
    fn default() -> Self {
        Place::new()
    }
}

/// The archive of this kind.
pub fn archive(extension: &str) -> Vec<u8> {
    let file = source_dir("tests/data/archives").join(format!("top.{extension}"));
    fs::read(file).expect("the archive is there")
}
