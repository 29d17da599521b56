use super::*;
use crate::storage::get;

fn disk() -> (Disk, DiskFile) {
    let disk = Disk::new(1);
    let file = disk.create("a", 2048).unwrap();
    disk.sync_names().unwrap();
    (disk, file)
}

#[test]
fn a_power_cut_takes_what_was_not_synced() {
    let (disk, file) = disk();
    file.write_at(0, b"one").unwrap();
    file.sync().unwrap();
    file.write_at(3, b"two").unwrap();
    disk.remove("a").unwrap();
    disk.power_cut(PowerCut::Nothing);
    assert_eq!(&get(&disk, "a").unwrap()[..6], b"one\0\0\0");
}

#[test]
fn a_power_cut_can_tear_and_reorder() {
    let (disk, file) = disk();
    file.write_at(0, b"one").unwrap();
    file.write_at(3, b"two").unwrap();
    disk.power_cut(PowerCut::Bytes(4));
    assert_eq!(&get(&disk, "a").unwrap()[..6], b"onet\0\0");
    let mut seen = [false; 4];
    for _ in 0..64 {
        file.write_at(0, &[1; 1024]).unwrap();
        disk.power_cut(PowerCut::Sectors);
        let bytes = get(&disk, "a").unwrap();
        seen[usize::from(bytes[511]) + 2 * usize::from(bytes[512])] = true;
        disk.tamper("a", |bytes| bytes.fill(0)).unwrap();
    }
    assert_eq!(seen, [true; 4], "each sector for itself");
}

#[test]
fn a_failed_sync_loses_pages_for_good() {
    let (disk, file) = disk();
    file.write_at(0, b"one").unwrap();
    disk.set_faults(Faults { syncs: Some(io::ErrorKind::Other), ..Faults::default() });
    assert!(file.sync().is_err());
    disk.set_faults(Faults::default());
    file.sync().unwrap();
    disk.power_cut(PowerCut::Nothing);
    assert_eq!(&get(&disk, "a").unwrap()[..3], b"\0\0\0");
}

#[test]
fn a_write_stops_in_the_middle_and_a_full_disk_takes_no_file() {
    let (disk, file) = disk();
    disk.set_faults(Faults { write_budget: Some(2), room: Some(3000), ..Faults::default() });
    assert!(file.write_at(0, b"one").is_err());
    assert_eq!(&get(&disk, "a").unwrap()[..3], b"on\0");
    assert_eq!(disk.create("b", 2048).err().map(|e| e.kind()), Some(io::ErrorKind::StorageFull));
}
