/**
 * One fresh, empty place for a store, made for each test of a port's suite. `open` may be called again after `close`, and must then show
 * what was durable; a memory fixture gives the same store back. `dispose` removes the place.
 */
export type Fixture<Store> = { open(): Promise<Store>; dispose?(): Promise<void> }

export type MakeFixture<Store> = () => Promise<Fixture<Store>>
