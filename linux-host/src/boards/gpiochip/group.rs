//! The name of the group that a device file belongs to, for an advice to join it.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// The group of `path`, by name; `None` if either cannot be had.
pub(super) fn of(path: &Path) -> Option<String> {
    let gid = std::fs::metadata(path).ok()?.gid();
    name_of(&std::fs::read_to_string("/etc/group").ok()?, gid)
}

fn name_of(groups: &str, gid: u32) -> Option<String> {
    groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(gid)).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_name_behind_a_number() {
        let file = "root:x:0:\nbroken\ngpio:x:993:anna,otto\n";
        assert_eq!(name_of(file, 993).as_deref(), Some("gpio"));
        assert_eq!(name_of(file, 1), None);
    }
}
