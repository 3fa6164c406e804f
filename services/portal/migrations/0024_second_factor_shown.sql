-- When whoever holds a session last showed a second factor with it: what takes a factor away, or adds another, asks for
-- that besides the password. Sessions of before have shown none.
alter table session add column factor_at timestamptz;
