#!/usr/bin/perl
# Signs messages with Mail::DKIM, for the differential test. The jobs are those of foreign.py.
use strict;
use warnings;
use JSON::PP;
use Mail::DKIM::DkSignature;
use Mail::DKIM::PrivateKey;
use Mail::DKIM::Signer;

local $SIG{__WARN__} = sub { };
$| = 1;
my $json = JSON::PP->new;
while (my $line = <STDIN>) {
    my $job = $json->decode($line);
    my $signed = eval { sign($job); 1 };
    my $fault = $@;
    $fault =~ s/\s+/ /g;
    print $signed ? "signed\n" : "Mail::DKIM: $fault\n";
}

sub sign {
    my $job = shift;
    open my $in, '<:raw', $job->{in} or die "$job->{in}: $!";
    my $message = do { local $/; <$in> };
    $message = '' unless defined $message;
    my $policy = sub {
        my $signer = shift;
        return old($signer, $job) if $job->{signer} eq 'mail_dkim_old';
        $signer->algorithm('rsa-sha256');
        $signer->method("$job->{header}/$job->{body}");
        $signer->domain($job->{domain});
        $signer->selector($job->{selector});
        return 1;
    };
    my $signer = Mail::DKIM::Signer->new(
        Policy => $policy,
        Key    => Mail::DKIM::PrivateKey->load(File => $job->{key}),
        ($job->{names} ? (Headers => join(':', @{ $job->{names} })) : ()),
        ($job->{identity} ? (Identity => $job->{identity}) : ()),
    );
    # In pieces: a line at a time is how it wants to be fed.
    $signer->PRINT($message);
    $signer->CLOSE;
    die "no signature\n" unless $signer->signatures;
    my $field = ($signer->signatures)[0]->as_string;
    $field =~ s/\r?\n/\r\n/g;
    open my $out, '>:raw', $job->{out} or die "$job->{out}: $!";
    print $out $field, "\r\n", $message;
    close $out or die "$job->{out}: $!";
}

# A signature of the older family, with h= if names are asked for.
sub old {
    my ($signer, $job) = @_;
    $signer->add_signature(
        Mail::DKIM::DkSignature->new(
            Algorithm => 'rsa-sha1',
            Method    => $job->{body},
            Domain    => $job->{domain},
            Selector  => $job->{selector},
            ($job->{names} ? (Headers => $signer->headers) : ()),
        )
    );
    return;
}
