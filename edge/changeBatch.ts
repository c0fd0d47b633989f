import type { RecordSet } from "./recordSets";

/** A change of Route 53's own API, all of it or none. */
export interface ChangeBatch {
  readonly Comment: string;
  readonly Changes: readonly {
    readonly Action: "UPSERT";
    readonly ResourceRecordSet: {
      readonly Name: string;
      readonly Type: string;
      readonly SetIdentifier: string;
      readonly Weight: number;
      readonly TTL: number;
      readonly ResourceRecords: readonly { readonly Value: string }[];
    };
  }[];
}

/**
 * The records as Route 53 takes them at once, for when the program can't run. They come without their health checks:
 * whoever takes this road has looked for himself, and the next update puts the checks back.
 */
export function changeBatch(records: readonly RecordSet[]): ChangeBatch {
  return {
    Comment: "As the stack file says",
    Changes: records.map(({ hostname, type, side, weight, ttlSeconds, value }) => ({
      Action: "UPSERT",
      ResourceRecordSet: {
        Name: hostname,
        Type: type,
        SetIdentifier: side,
        Weight: weight,
        TTL: ttlSeconds,
        ResourceRecords: [{ Value: value }],
      },
    })),
  };
}
