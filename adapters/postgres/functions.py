"""The log's functions in PostgreSQL; a name carries its version, and a shipped one is not edited.

    bos_append_v1         lock ─► ids used? ─► guard moved? ─► chain ─► insert ─► notify
    bos_append_group_v1   lock ─► the same for each request, earlier ones count ─► one insert
    bos_match_v1          items of types and tags ─► positions, for reads and for guards

All run with the search path of the log's schema alone, and without sequential scans: a plan
made while the tables were empty would else be kept when they are not.
"""

from typing import Final

REFUSE: Final = """
CREATE FUNCTION bos_refuse_v1() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the log is append-only: % of % refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$
"""

# Of two tags that fill the probe of 256, the one that needed more of the log to do so is rarer.
MATCH: Final = """
CREATE FUNCTION bos_match_v1(items jsonb, after bigint, cut bigint) RETURNS SETOF bigint
LANGUAGE plpgsql STABLE
SET search_path FROM CURRENT SET plan_cache_mode TO force_generic_plan
SET enable_seqscan TO off SET enable_bitmapscan TO off
AS $$
DECLARE
    item jsonb;
    wanted_types text[];
    wanted_tags text[];
    leader text;
BEGIN
    FOR item IN SELECT each.item FROM jsonb_array_elements(items) AS each (item) LOOP
        wanted_types := ARRAY(SELECT jsonb_array_elements_text(item -> 'types'));
        wanted_tags := ARRAY(SELECT jsonb_array_elements_text(item -> 'tags'));
        IF wanted_tags = '{}' AND wanted_types = '{}' THEN
            RETURN QUERY SELECT e.position FROM events e
                WHERE e.position > after ORDER BY e.position LIMIT cut;
        ELSIF wanted_tags = '{}' THEN
            RETURN QUERY SELECT found.position FROM unnest(wanted_types) AS w (type)
                CROSS JOIN LATERAL (
                    SELECT e.position FROM events e WHERE e.type = w.type AND e.position > after
                    ORDER BY e.position LIMIT cut
                ) AS found;
        ELSE
            leader := wanted_tags[1];
            IF cardinality(wanted_tags) > 1 THEN
                SELECT w.tag INTO leader FROM unnest(wanted_tags) AS w (tag)
                    CROSS JOIN LATERAL (
                        SELECT count(*) AS number, max(probe.position) AS reached FROM (
                            SELECT t.position FROM event_tags t
                            WHERE t.tag = w.tag AND t.position > after
                            ORDER BY t.position LIMIT 256
                        ) AS probe
                    ) AS seen
                    ORDER BY seen.number, seen.reached DESC LIMIT 1;
            END IF;
            RETURN QUERY SELECT t.position FROM event_tags t
                WHERE t.tag = leader AND t.position > after AND (
                    SELECT e.tags @> wanted_tags
                        AND (wanted_types = '{}' OR e.type = ANY (wanted_types))
                    FROM events e WHERE e.position = t.position
                )
                ORDER BY t.position LIMIT cut;
        END IF;
    END LOOP;
END $$
"""

# The two-part lock is this log's own: 4346707 is 'BOS' in ASCII.
APPEND: Final = """
CREATE FUNCTION bos_append_v1(
    ids text[], types text[], schema_versions int[], times bigint[], actors text[],
    correlation_ids text[], causation_ids text[], tag_lists text[], bodies bytea[],
    digests bytea[], after bigint, guarded_tags text[], guarded_items jsonb,
    OUT last bigint, OUT refusal text
)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path FROM CURRENT SET plan_cache_mode TO force_generic_plan
SET enable_seqscan TO off SET enable_bitmapscan TO off
AS $$
DECLARE
    number constant int := cardinality(types);
    head bigint;
    hash bytea;
    hashes bytea[] := '{}';
    digest bytea;
    used bigint;
    starts bigint;
    starts_late bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(4346707, 'events'::regclass::oid::int);
    IF ids[1] IS NOT NULL THEN
        SELECT count(*), min(e.position - w.nth), max(e.position - w.nth)
            INTO used, starts, starts_late
            FROM unnest(ids) WITH ORDINALITY AS w (id, nth)
            CROSS JOIN LATERAL (SELECT s.position FROM events s WHERE s.id = w.id) AS e;
        IF used = number AND starts = starts_late THEN
            last := starts + number;
            RETURN;
        ELSIF used > 0 THEN
            refusal := 'partly used';
            RETURN;
        END IF;
    END IF;
    IF guarded_tags IS NOT NULL AND EXISTS (
        SELECT FROM unnest(guarded_tags) AS w (tag) CROSS JOIN LATERAL (
            SELECT FROM event_tags t WHERE t.tag = w.tag AND t.position > after LIMIT 1
        ) AS moved
    ) OR guarded_items IS NOT NULL AND EXISTS (
        SELECT FROM bos_match_v1(guarded_items, after, 1)
    ) THEN
        refusal := 'moved';
        RETURN;
    END IF;
    SELECT e.position, e.hash INTO head, hash FROM events e ORDER BY e.position DESC LIMIT 1;
    IF NOT FOUND THEN
        head := 0;
        hash := decode(repeat('00', 32), 'hex');
    END IF;
    last := head;
    FOREACH digest IN ARRAY digests LOOP
        last := last + 1;
        hash := sha256(hash || int8send(last) || digest);
        hashes := array_append(hashes, hash);
    END LOOP;
    WITH added AS (
        INSERT INTO events SELECT head + w.nth, w.id, w.type, w.schema_version, w.occurred_at,
            w.actor, w.correlation_id, w.causation_id,
            ARRAY(SELECT json_array_elements_text(w.tags::json)), w.data, w.hash
        FROM unnest(
            ids, types, schema_versions, times, actors, correlation_ids, causation_ids,
            tag_lists, bodies, hashes
        ) WITH ORDINALITY AS w (
            id, type, schema_version, occurred_at, actor, correlation_id, causation_id,
            tags, data, hash, nth
        )
        RETURNING position, tags
    )
    INSERT INTO event_tags
        SELECT DISTINCT tag, added.position FROM added CROSS JOIN unnest(added.tags) AS tag;
    PERFORM pg_notify(current_schema() || '_log', last::text);
END $$
"""

# For requests that share no ids and are guarded by single tags, if at all: sizes says how many
# events each has, guards and tag_lists are lists of text[]. What this call has accepted is not in
# the tables yet: fresh_tags and fresh_at say where it will be.
APPEND_GROUP: Final = """
CREATE FUNCTION bos_append_group_v1(
    ids text[], types text[], schema_versions int[], times bigint[], actors text[],
    correlation_ids text[], causation_ids text[], tag_lists text[], bodies bytea[],
    digests bytea[], sizes int[], afters bigint[], guards text[],
    OUT lasts bigint[], OUT refusals text[]
)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path FROM CURRENT SET plan_cache_mode TO force_generic_plan
SET enable_seqscan TO off SET enable_bitmapscan TO off
AS $$
DECLARE
    head bigint;
    last bigint;
    hash bytea;
    hashes bytea[] := array_fill(NULL::bytea, ARRAY[cardinality(types)]);
    positions bigint[] := array_fill(NULL::bigint, ARRAY[cardinality(types)]);
    used_at bigint[];
    moved int[];
    fresh_tags text[] := '{}';
    fresh_at bigint[] := '{}';
    own text[];
    used int;
    beginning int;
    ending int := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(4346707, 'events'::regclass::oid::int);
    SELECT e.position, e.hash INTO head, hash FROM events e ORDER BY e.position DESC LIMIT 1;
    IF NOT FOUND THEN
        head := 0;
        hash := decode(repeat('00', 32), 'hex');
    END IF;
    last := head;
    used_at := ARRAY(
        SELECT (SELECT e.position FROM events e WHERE e.id = w.id)
        FROM unnest(ids) WITH ORDINALITY AS w (id, nth) ORDER BY w.nth
    );
    moved := ARRAY(
        SELECT g.request::int
        FROM unnest(guards, afters) WITH ORDINALITY AS g (tags, after, request)
        WHERE EXISTS (
            SELECT FROM unnest(g.tags::text[]) AS w (tag) CROSS JOIN LATERAL (
                SELECT FROM event_tags t WHERE t.tag = w.tag AND t.position > g.after LIMIT 1
            ) AS hit
        )
    );
    FOR request IN 1 .. cardinality(sizes) LOOP
        beginning := ending + 1;
        ending := ending + sizes[request];
        lasts[request] := NULL;
        refusals[request] := NULL;
        used := cardinality(array_remove(used_at[beginning:ending], NULL));
        IF used = sizes[request] AND NOT EXISTS (
            SELECT FROM generate_series(beginning, ending) AS nth
            WHERE used_at[nth] <> used_at[beginning] + nth - beginning
        ) THEN
            lasts[request] := used_at[ending];
        ELSIF used > 0 THEN
            refusals[request] := 'partly used';
        ELSIF request = ANY (moved) OR guards[request]::text[] && fresh_tags AND EXISTS (
            SELECT FROM unnest(fresh_tags, fresh_at) AS f (tag, position)
            WHERE f.tag = ANY (guards[request]::text[]) AND f.position > afters[request]
        ) THEN
            refusals[request] := 'moved';
        ELSE
            FOR nth IN beginning .. ending LOOP
                last := last + 1;
                hash := sha256(hash || int8send(last) || digests[nth]);
                positions[nth] := last;
                hashes[nth] := hash;
                own := tag_lists[nth]::text[];
                fresh_tags := fresh_tags || own;
                fresh_at := fresh_at || array_fill(last, ARRAY[cardinality(own)]);
            END LOOP;
            lasts[request] := last;
        END IF;
    END LOOP;
    IF last = head THEN
        RETURN;
    END IF;
    WITH added AS (
        INSERT INTO events SELECT w.position, w.id, w.type, w.schema_version, w.occurred_at,
            w.actor, w.correlation_id, w.causation_id, w.tags::text[], w.data, w.hash
        FROM unnest(
            positions, ids, types, schema_versions, times, actors, correlation_ids,
            causation_ids, tag_lists, bodies, hashes
        ) AS w (
            position, id, type, schema_version, occurred_at, actor, correlation_id,
            causation_id, tags, data, hash
        )
        WHERE w.position IS NOT NULL
        RETURNING position, tags
    )
    INSERT INTO event_tags
        SELECT DISTINCT tag, added.position FROM added CROSS JOIN unnest(added.tags) AS tag;
    PERFORM pg_notify(current_schema() || '_log', last::text);
END $$
"""
