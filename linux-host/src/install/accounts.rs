//! Users and groups of a tree, from its own files: an image's numbers are not this machine's.

use std::io;
use std::path::PathBuf;

use super::place::Place;

/// A group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its number.
    pub id: u32,
    /// Who is in it besides those whose first group it is.
    pub members: Vec<String>,
}

/// The group of this name; nothing if there is none.
///
/// # Errors
/// The tree's list cannot be read.
pub fn group(place: &Place, name: &str) -> io::Result<Option<Group>> {
    Ok(line(place, "/etc/group", name)?.and_then(|fields| {
        let members = fields.get(3)?.split(',').filter(|member| !member.is_empty());
        Some(Group { id: fields.get(2)?.parse().ok()?, members: members.map(str::to_owned).collect() })
    }))
}

/// The number of the user of this name; nothing if there is none.
///
/// # Errors
/// The tree's list cannot be read.
pub fn user(place: &Place, name: &str) -> io::Result<Option<u32>> {
    Ok(line(place, "/etc/passwd", name)?.and_then(|fields| fields.get(2)?.parse().ok()))
}

/// The home of a user; nothing if there is none.
///
/// # Errors
/// The tree's list cannot be read.
pub fn home(place: &Place, name: &str) -> io::Result<Option<PathBuf>> {
    Ok(line(place, "/etc/passwd", name)?.and_then(|fields| Some(fields.get(5)?.into())))
}

/// The fields of the line that begins with a name.
fn line(place: &Place, list: &str, name: &str) -> io::Result<Option<Vec<String>>> {
    let bytes = place.read(list)?.unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let fields = |line: &str| line.split(':').map(str::to_owned).collect::<Vec<_>>();
    Ok(text.lines().map(fields).find(|fields| fields.first().is_some_and(|first| first == name)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::install::place::Owner;

    #[test]
    fn names_are_whole_words_of_the_trees_own_lists() {
        let dir = tempfile::tempdir().unwrap();
        let place = Place::new(dir.path()).unwrap();
        assert_eq!(group(&place, "gpio").unwrap(), None, "no list at all");
        place.write("/etc/group", b"gpio2:x:1:\ngpio:x:997:pi,campanile\n", 0o644, Owner::Root).unwrap();
        place.write("/etc/passwd", b"campanile:x:990:980::/:/bin/false\n", 0o644, Owner::Root).unwrap();
        let gpio = Group { id: 997, members: vec!["pi".into(), "campanile".into()] };
        assert_eq!(group(&place, "gpio").unwrap(), Some(gpio));
        assert_eq!(group(&place, "gpio2").unwrap().unwrap().members, [""; 0]);
        assert_eq!(user(&place, "campanile").unwrap(), Some(990));
        assert_eq!(user(&place, "camp").unwrap(), None);
        assert_eq!(home(&place, "campanile").unwrap(), Some("/".into()));
    }
}
