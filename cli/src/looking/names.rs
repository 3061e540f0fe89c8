//! What locks there are, and where.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use bakery_lock::shared::{Error, Options};

use crate::arguments::{Id, Parsed};
use crate::exit::Failure;
use crate::looking::descriptors::FileId;
use crate::looking::refused;
use crate::name::Name;

/// What a name leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    Segment(PathBuf),
    File(PathBuf),
}

/// What the line of a file is called, before its numbers.
const LINE: &str = "file-";

/// What the line of a file is called: as [`crate::hold::file::line_of`] has it.
pub fn line_of(file: FileId) -> String {
    format!("{LINE}{:x}-{}", file.device, file.inode)
}

/// The file that a line is for.
pub fn file_of(line: &str) -> Option<FileId> {
    let (device, inode) = line.strip_prefix(LINE)?.split_once('-')?;
    Some(FileId { device: u64::from_str_radix(device, 16).ok()?, inode: inode.parse().ok()? })
}

/// Has `--dir` do what `BAKERY_LOCK_DIR` does.
pub fn use_directory(parsed: &Parsed) {
    if let Some(directory) = parsed.value(Id::Dir) {
        // SAFETY: this process has one thread so far.
        unsafe { env::set_var("BAKERY_LOCK_DIR", directory) };
    }
}

/// Where the lock of this name is. A segment at a path is one, and any other file is a file.
pub fn find(name: &OsStr) -> Result<Place, Failure> {
    match Name::new(name.to_owned())? {
        Name::Segment(name) => Options::path_of(&name).map(Place::Segment).map_err(refused),
        Name::File(path) => Ok(match Options::status_at(&path) {
            Ok(_) => Place::Segment(path),
            Err(_) => Place::File(path),
        }),
    }
}

/// The directory of this user's names, and that it is one.
pub fn directory() -> Result<PathBuf, Error> {
    let mut path = Options::path_of("names")?;
    path.pop();
    Ok(path)
}

/// The locks in a directory of names, in their order; without the lines of files.
pub fn in_directory(directory: &Path) -> Vec<String> {
    let mut names = files_in(directory);
    names.retain(|name| !name.starts_with(LINE));
    names
}

/// The lines of files in a directory of names.
pub fn lines_in(directory: &Path) -> Vec<String> {
    let mut names = files_in(directory);
    names.retain(|name| name.starts_with(LINE));
    names
}

fn files_in(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let files = entries.filter(|entry| entry.file_type().is_ok_and(|sort| sort.is_file()));
    let mut names: Vec<String> =
        files.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.retain(|name| !name.starts_with('.'));
    names.sort();
    names
}

/// The directories of names that are not this user's alone: paths of theirs, where they can be read.
pub fn of_others(directory: &Path) -> Vec<OsString> {
    let Some(parent) = directory.parent().filter(|_| env::var_os("BAKERY_LOCK_DIR").is_none())
    else {
        return Vec::new();
    };
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    let mut paths: Vec<OsString> = entries
        .filter(|entry| {
            let name = entry.file_name();
            name.as_bytes().starts_with(b"bakery-lock-") && entry.path() != directory
        })
        .flat_map(|entry| {
            let directory = entry.path();
            let names = in_directory(&directory).into_iter();
            names.map(move |name| directory.join(name).into_os_string()).collect::<Vec<_>>()
        })
        .collect();
    paths.sort();
    paths
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    #[test]
    fn a_files_line_has_the_name_that_those_in_it_give_it() {
        let file = tempfile::tempfile().unwrap();
        let id = FileId::of(&file.metadata().unwrap());
        assert_eq!(line_of(id), crate::hold::file::line_of(file.as_fd()).unwrap());
        assert_eq!(file_of(&line_of(id)), Some(id));
        for line in ["file-", "file-x-1", "file-1", "deploy", "file-1-"] {
            assert_eq!(file_of(line), None);
        }
    }
}
