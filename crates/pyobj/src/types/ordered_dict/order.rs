//! The order of an ordered dict: a doubly linked list of its keys.
//!
//! Nodes are found by the identity of the key object that the dict itself holds, so no key is compared here.

use rustc_hash::FxHashMap;

use crate::ctx::{Ctx, PyResult};
use crate::heap::Visitor;
use crate::value::Obj;

/// The number of a node.
pub(super) type NodeId = u32;

/// No node.
pub(super) const NONE: NodeId = NodeId::MAX;

struct Node {
    /// Nothing in a node that is free.
    key: Option<Obj>,
    hash: i64,
    prev: NodeId,
    next: NodeId,
}

/// The keys in order.
pub(super) struct Order {
    nodes: Vec<Node>,
    by_key: FxHashMap<u64, NodeId>,
    first: NodeId,
    last: NodeId,
    /// The first free node; free nodes are linked by `next`.
    free: NodeId,
    /// Changes with each change of the order.
    state: u64,
}

impl Order {
    pub(super) fn new() -> Order {
        Order { nodes: Vec::new(), by_key: FxHashMap::default(), first: NONE, last: NONE, free: NONE, state: 0 }
    }

    pub(super) fn state(&self) -> u64 {
        self.state
    }

    /// The node at an end of the order.
    pub(super) fn end(&self, last: bool) -> NodeId {
        if last { self.last } else { self.first }
    }

    /// The neighbour of a node.
    pub(super) fn after(&self, id: NodeId, backwards: bool) -> NodeId {
        match self.nodes.get(id as usize) {
            Some(n) if backwards => n.prev,
            Some(n) => n.next,
            None => NONE,
        }
    }

    /// Key and hash of a node.
    pub(super) fn key(&self, id: NodeId) -> Option<(Obj, i64)> {
        let n = self.nodes.get(id as usize)?;
        Some((n.key.clone()?, n.hash))
    }

    /// The node of a key object.
    pub(super) fn find(&self, key: &Obj) -> Option<NodeId> {
        self.by_key.get(&key.value().bits()).copied()
    }

    /// Makes room for one more key.
    ///
    /// # Errors
    /// MemoryError.
    pub(super) fn reserve(&mut self, cx: &Ctx) -> PyResult<()> {
        if self.nodes.len() == self.nodes.capacity() {
            cx.make_room(&mut self.nodes, 1)?;
        }
        self.by_key.try_reserve(1).map_err(|_| cx.no_memory())
    }

    /// Adds a key at the end, unless it is there.
    pub(super) fn push(&mut self, key: Obj, hash: i64) {
        let word = key.value().bits();
        if self.by_key.contains_key(&word) {
            return;
        }
        let node = Node { key: Some(key), hash, prev: NONE, next: NONE };
        let id = match self.free {
            NONE => {
                self.nodes.push(node);
                (self.nodes.len() - 1) as NodeId
            }
            id => {
                self.free = self.nodes[id as usize].next;
                self.nodes[id as usize] = node;
                id
            }
        };
        self.by_key.insert(word, id);
        self.link(id, true);
        self.state += 1;
    }

    /// Puts an unlinked node at an end.
    fn link(&mut self, id: NodeId, last: bool) {
        let old = self.end(last);
        let n = &mut self.nodes[id as usize];
        (n.prev, n.next) = if last { (old, NONE) } else { (NONE, old) };
        match (old, last) {
            (NONE, _) => {}
            (o, true) => self.nodes[o as usize].next = id,
            (o, false) => self.nodes[o as usize].prev = id,
        }
        if last || old == NONE {
            self.last = id;
        }
        if !last || old == NONE {
            self.first = id;
        }
    }

    fn unlink(&mut self, id: NodeId) {
        let (prev, next) = (self.nodes[id as usize].prev, self.nodes[id as usize].next);
        match prev {
            NONE => self.first = next,
            p => self.nodes[p as usize].next = next,
        }
        match next {
            NONE => self.last = prev,
            n => self.nodes[n as usize].prev = prev,
        }
    }

    /// Removes a node. Its key is handed back, to be dropped when the order is no longer borrowed.
    pub(super) fn remove(&mut self, id: NodeId) -> Option<Obj> {
        let key = self.nodes.get_mut(id as usize)?.key.take()?;
        self.by_key.remove(&key.value().bits());
        self.unlink(id);
        self.nodes[id as usize].next = self.free;
        self.free = id;
        self.state += 1;
        Some(key)
    }

    /// Moves a node to an end.
    pub(super) fn move_to_end(&mut self, id: NodeId, last: bool) {
        if self.end(last) != id {
            self.unlink(id);
            self.link(id, last);
            self.state += 1;
        }
    }

    /// Removes all nodes. Their keys are handed back, to be dropped when the order is no longer borrowed.
    pub(super) fn take_all(&mut self) -> Vec<Obj> {
        let keys = self.nodes.drain(..).filter_map(|n| n.key).collect();
        *self = Order { state: self.state + 1, ..Order::new() };
        keys
    }

    pub(super) fn traverse(&self, visit: &mut Visitor<'_>) {
        for n in &self.nodes {
            if let Some(k) = &n.key {
                visit(k.value());
            }
        }
    }

    /// Bytes of the tables.
    pub(super) fn byte_size(&self) -> usize {
        self.nodes.capacity() * size_of::<Node>() + self.by_key.capacity() * size_of::<(u64, NodeId)>()
    }
}
