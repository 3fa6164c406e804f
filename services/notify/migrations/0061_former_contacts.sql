-- The addresses of an account that was closed: until its erasure they are what finds the mails that went there.
create table former_contact (
    subject text not null,
    address text not null,
    primary key (subject, address)
);
