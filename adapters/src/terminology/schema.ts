import type { SqliteSchema } from '#base/sqlite'

/**
 * One file for all terminology. Concepts have numbers, so that edges and relations are pairs of them; no closure is kept, for walking up from a
 * concept touches some fifty rows even in SNOMED CT. `names` is an index for words over all designations, without their text.
 */
export const SCHEMA: Omit<SqliteSchema, 'file'> = {
  version: 1,
  create: [
    `create table systems (id integer primary key, url text not null unique, version text not null, name text not null, copyright text,
      complete integer not null, hierarchy integer not null, shipped integer not null)`,
    `create table concepts (n integer primary key, system integer not null, code text not null, display text not null, inactive integer not null,
      abstract integer not null, unique (system, code))`,
    'create table designations (concept integer not null, value text not null, language text, use text)',
    'create index designations_of on designations (concept)',
    'create table edges (child integer not null, parent integer not null, primary key (child, parent)) without rowid',
    'create index edges_down on edges (parent, child)',
    'create table relations (source integer not null, type integer not null, target integer not null, primary key (source, type, target)) without rowid',
    'create index relations_back on relations (target, type)',
    'create table members (refset integer not null, concept integer not null, primary key (refset, concept)) without rowid',
    'create table properties (concept integer not null, key text not null, value text not null)',
    'create index properties_of on properties (concept)',
    'create index properties_by on properties (key, value)',
    'create table resources (url text not null, kind text not null, shipped integer not null, body text not null, primary key (kind, url)) without rowid',
    `create table mappings (map text not null, source_system text not null, source text not null, target_system text not null, target text not null,
      display text, equivalence text not null)`,
    'create index mappings_there on mappings (source_system, source)',
    'create index mappings_back on mappings (target_system, target)',
    'create index mappings_of on mappings (map)',
    `create virtual table names using fts5(value, content='', contentless_delete=1, tokenize="unicode61 remove_diacritics 2")`,
    'create table marks (name text primary key, value text not null) without rowid',
  ],
}
