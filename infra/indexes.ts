/** The indexes of the table beside its own key (`pk`, `sk`): each has a partition key `<name>pk` and a sort key `<name>sk`. */
export const indexes = ['listing', 'failed', 'cell'] as const

export type IndexName = (typeof indexes)[number]
