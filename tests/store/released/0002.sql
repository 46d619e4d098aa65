BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0002');
CREATE TABLE audit (
	audit_id TEXT NOT NULL, 
	done_at BIGINT NOT NULL, 
	who TEXT NOT NULL, 
	action TEXT NOT NULL, 
	subject_id TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	PRIMARY KEY (audit_id)
);
INSERT INTO "audit" VALUES('077edff25c3403cf9816f96f5d17bed2',1767615288015282,'who ''ü'' 0','action ''ü'' 0','a96efeed6296d2c1d1127ec958deb79f','reason ''ü'' 0');
INSERT INTO "audit" VALUES('bef380a1ac5b428435797d24ae7bcd5b',1767614960450193,'who ''ü'' 1','action ''ü'' 1','472d9ca844fa945b9d43f173787e82d0','reason ''ü'' 1');
INSERT INTO "audit" VALUES('6d04348d6b5dba2d6f56c5b386741287',1767615021116381,'who ''ü'' 2','action ''ü'' 2','4ce35ba71065a1caade37d59b84b192b','reason ''ü'' 2');
CREATE TABLE canary_look (
	canary_id TEXT NOT NULL, 
	run_id TEXT NOT NULL, 
	vantage TEXT NOT NULL, 
	observed_at BIGINT NOT NULL, 
	targets BIGINT NOT NULL, 
	reached BIGINT NOT NULL, 
	PRIMARY KEY (canary_id)
);
INSERT INTO "canary_look" VALUES('dacba316c7e222f9d2a009a35b56c14c','de431b041c65eee08c9eb7b6d6a197d9','vantage ''ü'' 0',1767615207776741,600,630);
INSERT INTO "canary_look" VALUES('366b599ee4545e6d8b41445dc6882606','b2fe42d0c819e4df5aecb32747cf46b1','vantage ''ü'' 1',1767615308061645,973,956);
INSERT INTO "canary_look" VALUES('2a219229d7f2968bf1ed08969509bd1e','3058e670a727e054096322750dc26022','vantage ''ü'' 2',1767615307218587,257,596);
CREATE TABLE control_look (
	control_id TEXT NOT NULL, 
	host_id TEXT NOT NULL, 
	run_id TEXT NOT NULL, 
	vantage TEXT NOT NULL, 
	observed_at BIGINT NOT NULL, 
	failure TEXT, 
	status BIGINT, 
	media_type TEXT, 
	content_length BIGINT, 
	etag_id TEXT, 
	redirect TEXT, 
	redirect_site_id TEXT, unstable TEXT DEFAULT '[]' NOT NULL, 
	PRIMARY KEY (control_id)
);
INSERT INTO "control_look" VALUES('ab306b9466585a118382c1e0610938c3','dcc07ff13bd0ec0310d7793137de09bf','abab253d8c9c5a0328d9bd4fc5c7032c','vantage ''ü'' 0',1767614884217322,'failure ''ü'' 0',432,'media_type ''ü'' 0',80,'7239b5993946d89bb32346331edf97b2','redirect ''ü'' 0','2bd3d55629b4ddbde8bf5311b4097157','["a","b"]');
INSERT INTO "control_look" VALUES('c8730eeb31c3e82e33f01fc481298005','94193e327637cf7382c9164d7d3ab15a','2cf1d6f0a69306be0d6f5ffd6231028b','vantage ''ü'' 1',1767614686213314,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'["a","b"]');
INSERT INTO "control_look" VALUES('a1f55dad2cf2b7de3af9ef0073203e53','f17ac6dd21b3f8edbf864bb8b2660e9f','79f49ad8d1c8c7d08d28118dfb3da623','vantage ''ü'' 2',1767615306543806,'failure ''ü'' 2',591,'media_type ''ü'' 2',754,'90854a7074b823746f741fcc949f6f23','redirect ''ü'' 2','377802f0603f4a62d7cdfb83aec24802','["a","b"]');
CREATE TABLE delivery (
	delivery_id TEXT NOT NULL, 
	source TEXT NOT NULL, 
	run_id TEXT NOT NULL, 
	received_at BIGINT NOT NULL, 
	reports BIGINT NOT NULL, 
	new BIGINT NOT NULL, 
	rejected BIGINT NOT NULL, 
	PRIMARY KEY (delivery_id)
);
INSERT INTO "delivery" VALUES('6f749815a0d472dedcd84350afe43ec2','source ''ü'' 0','efce025c63df7d5d6e64c2c696e26488',1767614422380836,517,25,811);
INSERT INTO "delivery" VALUES('49f07d7ccc7b1975413a84fd1ff204ae','source ''ü'' 1','2b39ae0552ba545f0280e6a7f45b75be',1767614635113125,497,443,352);
INSERT INTO "delivery" VALUES('2c9b6dd9cd0f726e93a2e1415c4786ee','source ''ü'' 2','d5d3bfb5b26def7b1612aa2b82f74373',1767614622234401,864,694,368);
CREATE TABLE due (
	url_id TEXT NOT NULL, 
	host_id TEXT NOT NULL, 
	due_at BIGINT NOT NULL, 
	streak BIGINT NOT NULL, 
	first_report_at BIGINT NOT NULL, 
	category TEXT NOT NULL, 
	lease_run_id TEXT, 
	leased_until BIGINT, day_began_at BIGINT, day_looks BIGINT DEFAULT '0' NOT NULL, fingerprint TEXT, 
	PRIMARY KEY (url_id)
);
INSERT INTO "due" VALUES('88e6c48c0139098f38421870c751839a','b079e3defd615315006e6357baf6c09d',1767614730616431,315,1767615376595832,'category ''ü'' 0','5d8c54efffede4f2f4017f9de28c6b74',310,1767614599182388,401,'fingerprint ''ü'' 0');
INSERT INTO "due" VALUES('06c53d748fcba02385ba54376bd3a8cf','de49978417883bcb1e5b7a5432a03b9a',1767614844196453,407,1767615294163443,'category ''ü'' 1',NULL,NULL,NULL,508,NULL);
INSERT INTO "due" VALUES('541e735c984ad93f438ca15b9e381232','54562621f52e50eead2ce3e175e311e0',1767615202080103,288,1767614754391566,'category ''ü'' 2','eb4d36d3d8095aadf870d6b1f66ac547',742,1767614491407027,335,'fingerprint ''ü'' 2');
CREATE TABLE forgotten (
	entry_id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	forgotten_at BIGINT NOT NULL, 
	PRIMARY KEY (entry_id)
);
INSERT INTO "forgotten" VALUES('6be664afd8dfab1562f2fecc7efc4def','kind ''ü'' 0',1767614956073914);
INSERT INTO "forgotten" VALUES('41c9a4986fbac23f4754fa0fced98e4f','kind ''ü'' 1',1767615407466296);
INSERT INTO "forgotten" VALUES('1e35f3f4987c3d239c279fd35e14660b','kind ''ü'' 2',1767614502535390);
CREATE TABLE key_check (
	key_number BIGINT NOT NULL, 
	id_check TEXT NOT NULL, 
	ciphertext BLOB NOT NULL, 
	PRIMARY KEY (key_number)
);
INSERT INTO "key_check" VALUES(324,'id_check ''ü'' 0',X'0EB2A97E1A0A2560BC7132A26E5AEA129808564FCB8FA05B');
INSERT INTO "key_check" VALUES(653,'id_check ''ü'' 1',X'9E8356FDB721AE9EBCE6FB4AD3C2EEB3EE70ACB0110A8909');
INSERT INTO "key_check" VALUES(387,'id_check ''ü'' 2',X'CB286733D5F933BE52320C02B6AD34057243EEABFD224F65');
CREATE TABLE observation (
	observation_id TEXT NOT NULL, 
	url_id TEXT NOT NULL, 
	run_id TEXT NOT NULL, 
	vantage TEXT NOT NULL, 
	scheduled_at BIGINT NOT NULL, 
	observed_at BIGINT NOT NULL, 
	resolution_id TEXT, 
	profile TEXT NOT NULL, 
	method TEXT, 
	address TEXT, 
	port BIGINT, 
	phase TEXT NOT NULL, 
	failure TEXT, 
	status BIGINT, 
	media_type TEXT, 
	content_length BIGINT, 
	etag_id TEXT, 
	last_modified_id TEXT, 
	server TEXT, 
	marks TEXT NOT NULL, 
	redirect TEXT, 
	redirect_url_id TEXT, 
	redirect_site_id TEXT, 
	steps BIGINT NOT NULL, 
	retry_after_s BIGINT, 
	tls_version TEXT, 
	tls_problem TEXT, 
	certificate_id TEXT, 
	public_key_id TEXT, 
	control_id TEXT, 
	bytes_read BIGINT NOT NULL, 
	connect_ms FLOAT, 
	head_ms FLOAT, network TEXT DEFAULT '' NOT NULL, head_status BIGINT, link_check TEXT, link_exists BOOLEAN, title_id TEXT, page_id TEXT, page_bytes BIGINT, 
	PRIMARY KEY (observation_id)
);
INSERT INTO "observation" VALUES('fc6d9dbdcc2e8e9b23658e9f5331191d','5d9d2138a54d3818f4f794f791f15c96','2be387d43a638d5b153259964425d823','vantage ''ü'' 0',1767614498194234,1767614754236284,'26c2314107778cb484c1f111d1ca1fac','profile ''ü'' 0','method ''ü'' 0','address ''ü'' 0',63,'phase ''ü'' 0','failure ''ü'' 0',708,'media_type ''ü'' 0',508,'a66375e519e6dbf71956f732186a6250','d72292ab145cdc7772c803d286a3930e','server ''ü'' 0','["a","b"]','redirect ''ü'' 0','651727e1319e6ae4119766e866038504','2539f5c20ffad55d41f2dfa0d0b919e3',704,52,'tls_version ''ü'' 0','tls_problem ''ü'' 0','4dcc6bf21c5551ae5c4e6888b6bab684','902d4974224e1a3d3360cd7ce626bf48','3b817faa3353574387991735e11e9317',918,4.1835912052596081e+05,6.64355388713864609e+05,'network ''ü'' 0',13,'link_check ''ü'' 0',0,'575092cdc96735273961f5b94fcf9239','2bcdba20e39a1607a83908dd5ec0e3d9',59);
INSERT INTO "observation" VALUES('73f276b85ea16c98a6a021e9b9e47d5c','cb9000000ae036bc36055c76ccbd1703','7b545ea4b818976d571c8491e840b383','vantage ''ü'' 1',1767615193277091,1767614607816012,NULL,'profile ''ü'' 1',NULL,NULL,NULL,'phase ''ü'' 1',NULL,NULL,NULL,NULL,NULL,NULL,NULL,'["a","b"]',NULL,NULL,NULL,642,NULL,NULL,NULL,NULL,NULL,NULL,557,NULL,NULL,'network ''ü'' 1',NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "observation" VALUES('14019a623f9f16c82b3651eb450e88c6','beb990f6190740f118ae47a9b9f4bb44','fb2d8dddf8d635dbbfe3b4e6642001b6','vantage ''ü'' 2',1767614582923383,1767615009142315,'88ab2029146e69161c3cd01083debe3d','profile ''ü'' 2','method ''ü'' 2','address ''ü'' 2',463,'phase ''ü'' 2','failure ''ü'' 2',839,'media_type ''ü'' 2',931,'66faf1be3668b5ebe8e8463e7592e35e','4bbd09a939da2fee0bc1b81a9f308fdb','server ''ü'' 2','["a","b"]','redirect ''ü'' 2','bf140272defb44a07751cff690ddd59a','b3c93885566e0e14cf1ddfaca514a509',897,612,'tls_version ''ü'' 2','tls_problem ''ü'' 2','8e3fa1dd246297ed1945e9bfcddfc894','f467f794bb9fd8d12330d604a942cf33','6496f455b462422f2445c574340b0385',19,8.89021886698824702e+05,3.71032618510873755e+05,'network ''ü'' 2',418,'link_check ''ü'' 2',1,'9ad4a03b5fa3c9de25220b1f2db40088','2b938720dd9b63a92f727503175dc1de',803);
CREATE TABLE quarantine_decision (
	decision_id TEXT NOT NULL, 
	quarantine_id TEXT NOT NULL, 
	decision TEXT NOT NULL, 
	who TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	decided_at BIGINT NOT NULL, 
	PRIMARY KEY (decision_id)
);
INSERT INTO "quarantine_decision" VALUES('3557e0a38aeea3c2cd98da556a1cb7cd','e000e869ba1499328c6dd6b63d55901e','decision ''ü'' 0','who ''ü'' 0','reason ''ü'' 0',1767614945599373);
INSERT INTO "quarantine_decision" VALUES('3e2bafc9ffe55d9c34b18f10cf1df59c','16b2951864dfcebfc0fcab95e2d1798b','decision ''ü'' 1','who ''ü'' 1','reason ''ü'' 1',1767614950151688);
INSERT INTO "quarantine_decision" VALUES('630ff97c6356724354ff6cdf98900ce6','0a07f00b3e82c070f63a3db5030ba9d6','decision ''ü'' 2','who ''ü'' 2','reason ''ü'' 2',1767614481322443);
CREATE TABLE report (
	report_id TEXT NOT NULL, 
	url_id TEXT NOT NULL, 
	source TEXT NOT NULL, 
	category TEXT NOT NULL, 
	site_type TEXT, 
	commercial BOOLEAN, 
	assessed_illegal BOOLEAN, 
	verified_at BIGINT, 
	content_id TEXT, 
	reported_at BIGINT, 
	received_at BIGINT NOT NULL, 
	PRIMARY KEY (report_id)
);
INSERT INTO "report" VALUES('246ca00a0543d285fc55c75c7dc518c5','e70d69cc0bdb4ff72a8d432ae2b87437','source ''ü'' 0','category ''ü'' 0','site_type ''ü'' 0',0,1,1767614446111156,'6d8f707ee509a16539efd0296a54db49',1767614615598560,1767615085864288);
INSERT INTO "report" VALUES('71ee57cb2e16601f2c29b5e5620521e3','910598e1bf4a1f4c10ecc32dd2d3949a','source ''ü'' 1','category ''ü'' 1',NULL,NULL,NULL,NULL,NULL,NULL,1767614599756352);
INSERT INTO "report" VALUES('967d154fc6615c33c6656e595c622a30','a969df66562bef8e485a71c615e62173','source ''ü'' 2','category ''ü'' 2','site_type ''ü'' 2',0,0,1767615102163078,'91021097d7255eb42a9d498db323b8d0',1767615304668351,1767614806731928);
CREATE TABLE resolution (
	resolution_id TEXT NOT NULL, 
	host_id TEXT NOT NULL, 
	run_id TEXT NOT NULL, 
	vantage TEXT NOT NULL, 
	status TEXT NOT NULL, 
	addresses TEXT NOT NULL, 
	cname_ids TEXT NOT NULL, 
	ttl_s BIGINT, 
	ede TEXT NOT NULL, 
	resolver TEXT NOT NULL, 
	resolved_at BIGINT NOT NULL, name_server_ids TEXT DEFAULT '[]' NOT NULL, name_servers_at BIGINT, tags TEXT DEFAULT '[]' NOT NULL, 
	PRIMARY KEY (resolution_id)
);
INSERT INTO "resolution" VALUES('299fcf906382d2d3755fd5a8d9d44fc1','1fe92afc8f251ed6a714c07a3abfbff0','fa782b7e30b359c4ed75b1ca7be3b22a','vantage ''ü'' 0','status ''ü'' 0','["a","b"]','["a","b"]',115,'[22,23]','resolver ''ü'' 0',1767615180884708,'["a","b"]',1767615249098624,'["a","b"]');
INSERT INTO "resolution" VALUES('16c0c7ad946fc0632077ebb00f44f624','eada8c0ebd860a2ae69606d69af87702','b7accb49cfec1b4685b684cefa33b1e3','vantage ''ü'' 1','status ''ü'' 1','["a","b"]','["a","b"]',NULL,'[22,23]','resolver ''ü'' 1',1767614770636154,'["a","b"]',NULL,'["a","b"]');
INSERT INTO "resolution" VALUES('8c5d035f994f75ba2aac105e1c82b3cd','ae26f2aed0b0cba9277c9e1b36e13d4b','35c3a82c974d76038a2e9e437bc5d421','vantage ''ü'' 2','status ''ü'' 2','["a","b"]','["a","b"]',368,'[22,23]','resolver ''ü'' 2',1767615344953993,'["a","b"]',1767615123262468,'["a","b"]');
CREATE TABLE run (
	run_id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	vantage TEXT NOT NULL, 
	started_at BIGINT NOT NULL, 
	version TEXT NOT NULL, 
	config_hash TEXT NOT NULL, 
	PRIMARY KEY (run_id)
);
INSERT INTO "run" VALUES('410319b6246bcbde4acb31d9f3634ce4','kind ''ü'' 0','vantage ''ü'' 0',1767614992901402,'version ''ü'' 0','config_hash ''ü'' 0');
INSERT INTO "run" VALUES('b3afd74b33c8edb0f23471b2730c6952','kind ''ü'' 1','vantage ''ü'' 1',1767614798126442,'version ''ü'' 1','config_hash ''ü'' 1');
INSERT INTO "run" VALUES('4022c4b6c2b32b9ce2504ea86833a45a','kind ''ü'' 2','vantage ''ü'' 2',1767614472955668,'version ''ü'' 2','config_hash ''ü'' 2');
CREATE TABLE run_end (
	run_id TEXT NOT NULL, 
	finished_at BIGINT NOT NULL, 
	outcome TEXT NOT NULL, 
	done BIGINT NOT NULL, 
	PRIMARY KEY (run_id)
);
INSERT INTO "run_end" VALUES('25acac6e361c33c9b14fcebde3cd8709',1767615231007687,'outcome ''ü'' 0',231);
INSERT INTO "run_end" VALUES('a0f28ef2c70887851ea4d8cc8feb8cf2',1767615205963177,'outcome ''ü'' 1',511);
INSERT INTO "run_end" VALUES('19fdfdcb69eed2345c9178cbc4aea6b1',1767615174052892,'outcome ''ü'' 2',883);
CREATE TABLE sealed (
	entry_id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	ciphertext BLOB NOT NULL, 
	key_number BIGINT NOT NULL, 
	PRIMARY KEY (entry_id)
);
INSERT INTO "sealed" VALUES('b6cfc3fd538ee152c7a450346c3eba3b','kind ''ü'' 0',X'02B9747EE3C8709E8929F412680CD38BA476D1D36D0E8A76',628);
INSERT INTO "sealed" VALUES('e192993bf84a57059027b06d2e671d48','kind ''ü'' 1',X'2B2DC7F04120857446C0231CAB54AD803BD1B3398D911E70',699);
INSERT INTO "sealed" VALUES('52017594d134ea37e3f02d5351b9ebef','kind ''ü'' 2',X'9A4BB017EC2A33F97D6F2A1A796872955703BC4474F02C36',167);
CREATE TABLE snapshot (
	snapshot_id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	family BIGINT NOT NULL, 
	source TEXT NOT NULL, 
	data_date BIGINT NOT NULL, 
	rows BIGINT NOT NULL, 
	checksum TEXT NOT NULL, 
	imported_at BIGINT NOT NULL, 
	PRIMARY KEY (snapshot_id)
);
INSERT INTO "snapshot" VALUES('a4d4cd139239c5ad4b15177a35459e80','kind ''ü'' 0',51,'source ''ü'' 0',251,82,'checksum ''ü'' 0',1767614801671382);
INSERT INTO "snapshot" VALUES('fb4bb812eeefb557a21f43566828f52e','kind ''ü'' 1',505,'source ''ü'' 1',706,262,'checksum ''ü'' 1',1767614911417318);
INSERT INTO "snapshot" VALUES('94cc9db452f29b0eafa578587a5a93bb','kind ''ü'' 2',598,'source ''ü'' 2',213,19,'checksum ''ü'' 2',1767614631348451);
CREATE TABLE target (
	url_id TEXT NOT NULL, 
	host_id TEXT NOT NULL, 
	site_id TEXT NOT NULL, 
	label_id TEXT NOT NULL, 
	path_id TEXT NOT NULL, 
	suffix_id TEXT, 
	spelling TEXT NOT NULL, 
	suffix_list TEXT NOT NULL, 
	added_at BIGINT NOT NULL, 
	PRIMARY KEY (url_id)
);
INSERT INTO "target" VALUES('4ba7685d64c0b5b4581d1a1544747e58','a9e47202fc83a20768d311e72518ba01','87f304f5ca0cfd6c487144c7cf79c68a','3d95156a487771bc9c5f17bb9521117c','f7a40959b2be695e34b7999b6dbf3186','1bfb05b02d922abd4012dae5eeaebc67','spelling ''ü'' 0','suffix_list ''ü'' 0',1767615041171867);
INSERT INTO "target" VALUES('eff5043c7172499726beb840f591e76c','7b1a4477ced6312e5c47a88e84f2038a','dbe4d61a0586dd10f3bed4aba8867b2d','f9419edb43c15db56ad38876f3cdddb3','b9de903dd9cfa4952d46293f92a21199',NULL,'spelling ''ü'' 1','suffix_list ''ü'' 1',1767614932650579);
INSERT INTO "target" VALUES('ec1513707e747ecffc3aa72c315f886e','1e0bef84b751322d721536c420f22c35','d7ec97c336c80db5a407074b2873bdd8','e7ee81aa15706c3c56a00ca8efe65c63','b40878e160d3bbb7e981c4e0c77998e4','014665898f2d361a0080043a000b5e2f','spelling ''ü'' 2','suffix_list ''ü'' 2',1767614766142659);
CREATE INDEX ix_canary_look_vantage_observed_at ON canary_look (vantage, observed_at);
CREATE INDEX ix_control_look_host_id_observed_at ON control_look (host_id, observed_at);
CREATE INDEX ix_due_due_at_host_id ON due (due_at, host_id);
CREATE INDEX ix_due_lease_run_id ON due (lease_run_id);
CREATE INDEX ix_observation_url_id_observed_at ON observation (url_id, observed_at);
CREATE INDEX ix_report_url_id ON report (url_id);
CREATE INDEX ix_resolution_host_id_resolved_at ON resolution (host_id, resolved_at);
CREATE INDEX ix_snapshot_kind_data_date ON snapshot (kind, data_date);
CREATE INDEX ix_target_host_id ON target (host_id);
CREATE INDEX ix_delivery_source_received_at ON delivery (source, received_at);
CREATE INDEX ix_quarantine_decision_quarantine_id ON quarantine_decision (quarantine_id);
CREATE INDEX ix_audit_subject_id ON audit (subject_id);
COMMIT;
