//! A trace from two CSV files.

use std::{
    collections::{BTreeSet, HashSet},
    path::Path,
};

use crate::{
    failure::Failure,
    sheet::{Line, Sheet},
    tables::{Node, Phase, Pod, Resources, Wish},
    trace::Trace,
};

/// Reads nodes and pods; nothing is used before all of it has been found good.
pub fn read(nodes: &Path, pods: &Path, stretch: u64) -> Result<Trace, Failure> {
    let node_columns = ["sn", "cpu_milli", "memory_mib", "gpu", "model"];
    let mut names = HashSet::new();
    let nodes = Sheet::open(nodes, &node_columns)?.rows(|line| {
        unique(line, "sn", &mut names)?;
        node(line)
    })?;
    let pod_columns = [
        "name",
        "cpu_milli",
        "memory_mib",
        "num_gpu",
        "gpu_milli",
        "gpu_spec",
        "creation_time",
        "deletion_time",
    ];
    names.clear();
    let pods = Sheet::open(pods, &pod_columns)?.rows(|line| {
        unique(line, "name", &mut names)?;
        pod(line, stretch)
    })?;
    Ok(Trace::new(nodes, pods, stretch))
}

fn node(line: &Line<'_>) -> Result<Node, Failure> {
    let gpu_milli = line.number("gpu")?.checked_mul(1000);
    let capacity = Resources {
        cpu_milli: line.number("cpu_milli")?,
        memory_mib: line.number("memory_mib")?,
        gpu_milli: gpu_milli.ok_or_else(|| line.wrong("gpu", "too many GPUs"))?,
    };
    Ok(Node {
        name: line.name("sn")?,
        model: line.text("model").to_owned(),
        capacity,
        free: capacity,
    })
}

fn pod(line: &Line<'_>, stretch: u64) -> Result<Pod, Failure> {
    let created = line.number("creation_time")?;
    let lasts = line.number("deletion_time")?.checked_sub(created);
    let ends = lasts
        .ok_or_else(|| line.wrong("deletion_time", "before the creation_time"))?
        .checked_mul(stretch)
        .and_then(|lasts| created.checked_add(lasts))
        .ok_or_else(|| line.wrong("deletion_time", "too late, when stretched"))?;
    let gpu_milli = line
        .number("num_gpu")?
        .checked_mul(line.number("gpu_milli")?);
    let allowed = line.text("gpu_spec").split('|');
    Ok(Pod {
        name: line.name("name")?,
        phase: Phase::Pending,
        created,
        ends,
        wish: Wish {
            needs: Resources {
                cpu_milli: line.number("cpu_milli")?,
                memory_mib: line.number("memory_mib")?,
                gpu_milli: gpu_milli.ok_or_else(|| line.wrong("num_gpu", "too many GPUs"))?,
            },
            models: allowed
                .filter(|model| !model.is_empty())
                .map(str::to_owned)
                .collect(),
        },
        labels: labels(line.text("qos")),
        node: None,
        placement: None,
    })
}

/// The labels of a pod of this class of service.
pub fn labels(qos: &str) -> BTreeSet<String> {
    let label = (!qos.is_empty()).then(|| format!("qos={qos}"));
    label.into_iter().collect()
}

fn unique(line: &Line<'_>, column: &str, seen: &mut HashSet<String>) -> Result<(), Failure> {
    let name = line.name(column)?;
    if seen.contains(&name) {
        return Err(line.wrong(column, format!("{name} is there twice")));
    }
    seen.insert(name);
    Ok(())
}
