-- Why a decision was asked for: the deposit, a recycling, or a transfer inside one body.
alter table decision add column purpose text not null default 'submitted'
    check (purpose in ('submitted', 'recycled', 'transferred'));
