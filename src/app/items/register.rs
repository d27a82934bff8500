//! Every service item in memory, by code: those that ship, and those that were registered; of one code the newer version counts.

use std::{collections::BTreeMap, sync::Arc};

use heyan_catalog::{
    Catalog,
    item::{self, ItemSpec, ServiceItem},
};
use heyan_ports::items::ItemRow;

/// Every item, by code.
#[derive(Clone, Default)]
pub struct ItemRegister {
    pub(super) by_code: BTreeMap<Arc<str>, Arc<ServiceItem>>,
}

impl ItemRegister {
    /// The item of a code.
    pub fn get(&self, code: &str) -> Option<Arc<ServiceItem>> {
        self.by_code.get(code).map(Arc::clone)
    }

    /// Every item, in the order of their codes.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<ServiceItem>> {
        self.by_code.values()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_code.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.by_code.is_empty()
    }

    /// Takes an item in, unless a newer version is there.
    pub(super) fn take(&mut self, item: Arc<ServiceItem>) {
        let known = self.by_code.get(item.spec.code.as_str());
        if known.is_none_or(|known| known.spec.version <= item.spec.version) {
            self.by_code.insert(item.spec.code.as_str().into(), item);
        }
    }

    /// Takes a registered item in.
    pub(crate) fn take_row(&mut self, row: &ItemRow, catalog: &Catalog) {
        match read(row, catalog) {
            Some(item) => self.take(Arc::new(item)),
            None => tracing::error!(code = row.code, "registered item cannot be read"),
        }
    }

    /// The shipped items and the registered ones.
    pub(crate) fn of(shipped: &[Arc<ServiceItem>], rows: Vec<ItemRow>, catalog: &Catalog) -> Self {
        let mut items = Self::default();
        for item in shipped {
            items.take(Arc::clone(item));
        }
        for row in &rows {
            items.take_row(row, catalog);
        }
        items
    }
}

/// A registered item. One whose register is no longer there keeps its name, and its materials are not known.
fn read(row: &ItemRow, catalog: &Catalog) -> Option<ServiceItem> {
    let spec: ItemSpec = serde_json::from_str(&row.body).ok()?;
    Some(match item::compile(spec.clone(), catalog) {
        Ok(item) => item,
        Err(faults) => {
            let place = faults.first().map_or("", |fault| fault.pointer.as_str());
            tracing::warn!(code = row.code, place, "a registered item no longer fits the datasets");
            ServiceItem::without_materials(spec)
        }
    })
}
