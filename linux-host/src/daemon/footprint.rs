//! Most of this program's code runs once: the command line, the compiler of the file, the handshakes. The kernel takes
//! the pages of code that was used for code in use and keeps them, on a small machine at the cost of others. So they are
//! given back after a start and after a reload; those that are in use come back at once, from the page cache.

use std::ops::Range;
use std::time::Duration;

use rustix::mm::{Advice, madvise};
use tokio::sync::Notify;

/// After so long the sinks of a start are connected, and the threads that it needed are gone.
const SETTLED: Duration = Duration::from_secs(10);

/// Gives back what a start has left, and then what each reload leaves, of which it is told.
pub async fn keep_small(reloaded: &Notify) {
    loop {
        tokio::time::sleep(SETTLED).await;
        give_back_code();
        reloaded.notified().await;
    }
}

fn give_back_code() {
    // Without it nothing is known, and nothing is given back.
    let maps = std::fs::read_to_string("/proc/self/smaps").unwrap_or_default();
    for code in codes(&maps) {
        // SAFETY: The range is a mapping of a file that cannot be written, and none of its pages is a copy of this
        // process's own: what is in memory is what is in the file, from which the next access takes it again. The
        // range is page-aligned, as the kernel gave it, and stays what it is, as this process unloads no code.
        let given = unsafe { madvise(code.start as *mut _, code.len(), Advice::LinuxDontNeed) };
        if let Err(error) = given {
            tracing::debug!("code is not given back: {error}");
        }
    }
}

/// Code of files, as it is in them.
fn codes(maps: &str) -> Vec<Range<usize>> {
    let mut codes = Vec::new();
    let mut last = None;
    for line in maps.lines() {
        match line.strip_prefix("Anonymous:") {
            None => last = code(line).or(last),
            Some(copied) if copied.trim() == "0 kB" => codes.extend(last.take()),
            Some(_) => last = None,
        }
    }
    codes
}

/// The range of the first line of a mapping, if that is of a file's code.
fn code(line: &str) -> Option<Range<usize>> {
    let mut columns = line.split_ascii_whitespace();
    let (range, rights) = (columns.next()?, columns.next()?);
    let file = columns.nth(3)?;
    if rights != "r-xp" || !file.starts_with('/') {
        return None;
    }
    let (start, end) = range.split_once('-')?;
    Some(usize::from_str_radix(start, 16).ok()?..usize::from_str_radix(end, 16).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_code_that_is_as_in_its_file_is_given_back() {
        let maps = |first: &str, copied: u32| {
            format!(
                "{first}\nSize:               7396 kB\nRss:                6500 kB\nAnonymous:          {copied:>5} kB\n\
                 KSM:                   0 kB\nVmFlags: rd ex mr mw me \n"
            )
        };
        let program =
            "55d0c8a00000-55d0c8f38000 r-xp 001bf000 fe:00 10016734                   /usr/bin/campanile";
        let others = [
            // A debugger's breakpoint, or a relocation in the code.
            maps(program, 4),
            maps(
                "55d0c8f38000-55d0c8f62000 r--p 006f7000 fe:00 10016734                   /usr/bin/campanile",
                0,
            ),
            maps(
                "55d0c8f62000-55d0c8f64000 rw-p 00720000 fe:00 10016734                   /usr/bin/campanile",
                0,
            ),
            maps(
                "55d0c8f62000-55d0c8f64000 rwxp 00720000 fe:00 10016734                   /usr/bin/campanile",
                0,
            ),
            maps("7fd7be1b4000-7fd7be1b6000 r-xp 00000000 00:00 0                          [vdso]", 0),
            maps("7fd7be1b4000-7fd7be1b6000 r-xp 00000000 00:00 0 ", 0),
        ];
        assert!(codes(&others.concat()).is_empty());
        let all = [others[1].as_str(), &maps(program, 0), &others[2]].concat();
        assert_eq!(codes(&all), vec![0x55d0_c8a0_0000..0x55d0_c8f3_8000]);
    }

    #[test]
    fn the_program_goes_on_behind_it() {
        give_back_code();
        assert!(!codes(&std::fs::read_to_string("/proc/self/smaps").unwrap()).is_empty());
    }
}
