//! Folders that settings name.

use std::path::Path;

/// A folder of the settings; `None` if the setting is empty.
pub(crate) fn folder_of(folder: &Path) -> Option<&Path> {
    Some(folder).filter(|folder| !folder.as_os_str().is_empty())
}
