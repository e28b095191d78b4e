//! Real speech: the corpus beside the checkout, where there is one.

use std::collections::HashMap;
use std::path::PathBuf;

use veravox::Detector;
use veravox::decode::DecodeOptions;

use crate::{must_have, testdata};

/// Clips of each label; enough for a figure that a coin does not reach.
const N_CLIPS: usize = 40;

pub struct Clip {
    pub path: PathBuf,
    spoof: bool,
}

/// Clips of `dev`, each of another source or system.
pub fn clips() -> Option<Vec<Clip>> {
    let folder = testdata("../../shared/corpus");
    let index = std::fs::read_to_string(folder.join("index.tsv")).ok();
    let index = must_have(index, "the corpus in ../shared/corpus")?;
    let mut lines = index.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    let columns: HashMap<&str, usize> = lines.next().unwrap().into_iter().enumerate().map(|(n, c)| (c, n)).collect();
    let mut chosen: HashMap<(bool, String), Clip> = HashMap::new();
    for cells in lines.filter(|cells| cells[columns["split"]] == "dev") {
        let spoof = cells[columns["label"]] == "spoof";
        let group = cells[columns[if spoof { "system" } else { "source" }]].to_owned();
        chosen.entry((spoof, group)).or_insert(Clip { path: folder.join(cells[columns["file"]]), spoof });
    }
    let mut chosen: Vec<Clip> = chosen.into_values().collect();
    chosen.sort_by(|a, b| a.path.cmp(&b.path));
    let of = |spoof: bool, clips: &mut Vec<Clip>| {
        clips.extract_if(.., |c| c.spoof == spoof).take(N_CLIPS).collect::<Vec<_>>()
    };
    let mut some = of(true, &mut chosen);
    some.extend(of(false, &mut chosen));
    Some(some)
}

#[test]
fn the_detector_tells_strangers_better_than_a_coin() {
    let Some(clips) = clips() else { return };
    assert_eq!(clips.len(), 2 * N_CLIPS);
    let detector = Detector::builtin().unwrap();
    let (mut human, mut machine, mut unscored) = (Vec::new(), Vec::new(), 0);
    for clip in &clips {
        let report = detector.scan_file(&clip.path, &DecodeOptions::default()).unwrap();
        match report.legs[0].llr {
            Some(llr) if clip.spoof => machine.push(llr),
            Some(llr) => human.push(llr),
            None => unscored += 1,
        }
    }
    assert!(unscored <= clips.len() / 20, "{unscored} of {} clips of speech were not scored", clips.len());
    let wins = machine.iter().flat_map(|m| human.iter().map(move |h| f64::from(u8::from(m > h))));
    let auc = wins.sum::<f64>() / (human.len() * machine.len()) as f64;
    assert!(auc > 0.75, "AUC {auc:.2}: machines must score above people");
}
