//! The first node that takes a pod, found without asking every node every time.

use std::collections::HashMap;

use sapwood::{Row, WriteTxn};

use crate::tables::{Node, Pod, Wish};

/// What the scheduler has learnt about the nodes. It is only a memory: a new process begins with an empty one, and finds the same nodes.
#[derive(Default)]
pub struct FirstFit {
    /// For each wish that came up, the name of the first node that may grant it: none before that one does. `None`: none at all does.
    starts: HashMap<Wish, Option<String>>,
}

impl FirstFit {
    /// Takes in that these nodes, in the order of their names, have changed: they may have more room now.
    pub fn learn(&mut self, changed: &[Row<Node>]) {
        for (wish, start) in &mut self.starts {
            if let Some(node) = changed.iter().find(|node| node.grants(wish))
                && start.as_ref().is_none_or(|start| node.name < *start)
            {
                *start = Some(node.name.clone());
            }
        }
    }

    /// The first node by name that takes a pod. Until `learn` is called again, nodes must only get fuller.
    pub fn find(&mut self, tx: &WriteTxn, pod: &Pod) -> Option<Row<Node>> {
        let nodes = match self.starts.get(&pod.wish) {
            None => Node::ALL,
            Some(Some(start)) => Node::BY_NAME.range(start..),
            Some(None) => return None,
        };
        let found = tx.list(nodes).find(|node| node.grants(&pod.wish)).cloned();
        self.starts.insert(
            pod.wish.clone(),
            found.as_ref().map(|node| node.name.clone()),
        );
        found
    }
}
