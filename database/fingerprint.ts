import { z } from "zod";
import { DatabaseError } from "./host";
import type { SqlSession } from "./session";
import { stepsSchema, versionTable } from "./stepRecord";

/*
 * What each part tells is what the schema is, not what is in it: no data, no statistics, no privileges, no comments.
 * Names that PostgreSQL writes are complete only where the search path is empty: `pinned` empties it for this statement,
 * and the condition at the end has it do so first.
 */

/**
 * One SELECT of one row: `fingerprint`, 64 hexadecimal digits, the same for equal schemas on whichever server. What the
 * steps' tool notes for itself, and what is noted of steps, is left out.
 */
export const fingerprintSql = `
WITH pinned AS MATERIALIZED (SELECT set_config('search_path', '', true) AS path),
spaces AS (
  SELECT oid, nspname FROM pg_namespace
  WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', '${stepsSchema}')
),
extras AS (SELECT classid, objid FROM pg_depend WHERE deptype = 'e'),
relations AS (
  SELECT c.*, n.nspname FROM pg_class c JOIN spaces n ON n.oid = c.relnamespace
  WHERE c.relname <> '${versionTable}'
    AND NOT EXISTS (SELECT FROM extras e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid)
    AND NOT EXISTS (
      SELECT FROM pg_depend d JOIN pg_class v ON v.oid = d.refobjid AND v.relname = '${versionTable}'
      WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.refclassid = 'pg_class'::regclass
    )
    AND NOT EXISTS (
      SELECT FROM pg_index i JOIN pg_class v ON v.oid = i.indrelid AND v.relname = '${versionTable}'
      WHERE i.indexrelid = c.oid
    )
),
types AS (
  SELECT t.*, n.nspname FROM pg_type t JOIN spaces n ON n.oid = t.typnamespace
  WHERE t.typtype IN ('e', 'd', 'r')
    AND NOT EXISTS (SELECT FROM extras e WHERE e.classid = 'pg_type'::regclass AND e.objid = t.oid)
),
functions AS (
  SELECT p.*, n.nspname FROM pg_proc p JOIN spaces n ON n.oid = p.pronamespace
  WHERE NOT EXISTS (SELECT FROM extras e WHERE e.classid = 'pg_proc'::regclass AND e.objid = p.oid)
),
parts (part) AS (
  SELECT jsonb_build_array('schema', nspname) FROM spaces
  UNION ALL
  SELECT jsonb_build_array('extension', extname, extversion) FROM pg_extension
  WHERE extname NOT IN ('plpgsql', 'pg_stat_statements')
  UNION ALL
  SELECT jsonb_build_array(
    'relation', nspname, relname, relkind, relpersistence, relrowsecurity, relforcerowsecurity, reloptions,
    relreplident, pg_get_partkeydef(oid), pg_get_expr(relpartbound, oid),
    CASE WHEN relkind IN ('v', 'm') THEN pg_get_viewdef(oid) END,
    (SELECT jsonb_agg(inhparent::regclass::text ORDER BY inhseqno) FROM pg_inherits WHERE inhrelid = r.oid)
  ) FROM relations r WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'c')
  UNION ALL
  SELECT jsonb_build_array(
    'column', nspname, relname, attname,
    row_number() OVER (PARTITION BY r.oid ORDER BY a.attnum), format_type(a.atttypid, a.atttypmod),
    attnotnull, attidentity, attgenerated, pg_get_expr(d.adbin, d.adrelid),
    CASE WHEN a.attcollation <> t.typcollation THEN a.attcollation::regcollation::text END
  )
  FROM relations r
  JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
  JOIN pg_type t ON t.oid = a.atttypid
  LEFT JOIN pg_attrdef d ON d.adrelid = r.oid AND d.adnum = a.attnum
  WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'c')
  UNION ALL
  SELECT jsonb_build_array(
    'constraint', coalesce(r.nspname, t.nspname), coalesce(r.relname, t.typname), conname,
    pg_get_constraintdef(k.oid), convalidated
  )
  FROM pg_constraint k
  LEFT JOIN relations r ON r.oid = k.conrelid
  LEFT JOIN types t ON t.oid = k.contypid
  WHERE r.oid IS NOT NULL OR t.oid IS NOT NULL
  UNION ALL
  SELECT jsonb_build_array(
    'index', nspname, relname, pg_get_indexdef(r.oid), indisvalid, indisready, indisprimary, indisreplident
  ) FROM relations r JOIN pg_index i ON i.indexrelid = r.oid
  UNION ALL
  SELECT jsonb_build_array(
    'sequence', nspname, relname, format_type(seqtypid, NULL), seqstart, seqincrement, seqmin, seqmax, seqcache,
    seqcycle,
    (
      SELECT jsonb_agg(pg_describe_object(refclassid, refobjid, refobjsubid)) FROM pg_depend
      WHERE classid = 'pg_class'::regclass AND objid = r.oid AND deptype IN ('a', 'i') AND refobjsubid > 0
    )
  ) FROM relations r JOIN pg_sequence s ON s.seqrelid = r.oid
  UNION ALL
  SELECT jsonb_build_array(
    'type', nspname, typname, typtype, typnotnull, typdefault,
    CASE WHEN typbasetype <> 0 THEN format_type(typbasetype, typtypmod) END,
    (SELECT jsonb_agg(enumlabel ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = t.oid),
    (SELECT format_type(rngsubtype, NULL) FROM pg_range WHERE rngtypid = t.oid)
  ) FROM types t
  UNION ALL
  SELECT jsonb_build_array(
    'function', nspname, proname, prokind, pg_get_function_identity_arguments(oid),
    CASE WHEN prokind <> 'a' THEN pg_get_functiondef(oid) ELSE pg_get_function_result(oid) END
  ) FROM functions
  UNION ALL
  SELECT jsonb_build_array('trigger', nspname, relname, pg_get_triggerdef(t.oid), tgenabled)
  FROM relations r JOIN pg_trigger t ON t.tgrelid = r.oid WHERE NOT tgisinternal
  UNION ALL
  SELECT jsonb_build_array('event trigger', evtname, evtevent, evtfoid::regprocedure::text, evtenabled, evttags)
  FROM pg_event_trigger JOIN functions f ON f.oid = evtfoid
  UNION ALL
  SELECT jsonb_build_array('rule', nspname, relname, pg_get_ruledef(w.oid), ev_enabled)
  FROM relations r JOIN pg_rewrite w ON w.ev_class = r.oid WHERE rulename <> '_RETURN'
  UNION ALL
  SELECT jsonb_build_array(
    'policy', nspname, relname, polname, polcmd, polpermissive,
    (SELECT jsonb_agg(rolname ORDER BY rolname) FROM pg_roles WHERE oid = ANY (polroles)),
    pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)
  ) FROM relations r JOIN pg_policy p ON p.polrelid = r.oid
  UNION ALL
  SELECT jsonb_build_array('statistics', nspname, stxname, pg_get_statisticsobjdef(s.oid))
  FROM pg_statistic_ext s JOIN spaces n ON n.oid = s.stxnamespace
)
SELECT encode(
  sha256(convert_to(coalesce(string_agg(part::text, E'\\n' ORDER BY part::text COLLATE "C"), ''), 'UTF8')), 'hex'
) AS fingerprint
FROM parts WHERE (SELECT path FROM pinned) = ''`;

/** @throws DatabaseError */
export async function fingerprintOf(session: SqlSession): Promise<string> {
  const [row] = await session.rows(fingerprintSql, z.object({ fingerprint: z.string() }));
  if (row === undefined) throw new DatabaseError("found no fingerprint of the schema, expected one");
  return row.fingerprint;
}
