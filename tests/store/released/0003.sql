BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0003');
CREATE TABLE audit (
	audit_id TEXT NOT NULL, 
	done_at BIGINT NOT NULL, 
	who TEXT NOT NULL, 
	action TEXT NOT NULL, 
	subject_id TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	PRIMARY KEY (audit_id)
);
INSERT INTO "audit" VALUES('f1303f7717e69738640ed6ed8eb9841c',1767615202307616,'who ''ü'' 0','action ''ü'' 0','774cc0a22b65dfacb4d6b73e09473371','reason ''ü'' 0');
INSERT INTO "audit" VALUES('60d2260a50715cf6c34f81bc9526b962',1767615018186803,'who ''ü'' 1','action ''ü'' 1','ac40ac7e0b6195b91833853487246be6','reason ''ü'' 1');
INSERT INTO "audit" VALUES('9ea2301fbc4091a0e765f6b0eae9d0a1',1767615039686106,'who ''ü'' 2','action ''ü'' 2','5cbc17175812bc4af1de28689d006d77','reason ''ü'' 2');
CREATE TABLE canary_look (
	canary_id TEXT NOT NULL, 
	run_id TEXT NOT NULL, 
	vantage TEXT NOT NULL, 
	observed_at BIGINT NOT NULL, 
	targets BIGINT NOT NULL, 
	reached BIGINT NOT NULL, 
	PRIMARY KEY (canary_id)
);
INSERT INTO "canary_look" VALUES('c56da31ccc9fe7dd35bbb27f6f74f1d6','2e1f349e5c21fdcf20f318c9f2bada2f','vantage ''ü'' 0',1767615004747420,842,811);
INSERT INTO "canary_look" VALUES('2b3ba9fcfa095126dce3a39ec788a7cf','30263d5191f32d1f12e028325ab301c4','vantage ''ü'' 1',1767614503426505,768,530);
INSERT INTO "canary_look" VALUES('1a0295fcf3fcaaf52aa7bf487294dad8','6507cc4f9c676992438172cd4c4deb43','vantage ''ü'' 2',1767614727040631,720,950);
CREATE TABLE coding (
	coding_id TEXT NOT NULL, 
	queue TEXT NOT NULL, 
	item_id TEXT NOT NULL, 
	coder TEXT NOT NULL, 
	code TEXT NOT NULL, 
	note TEXT NOT NULL, 
	coded_at BIGINT NOT NULL, 
	adjudicates BOOLEAN NOT NULL, 
	PRIMARY KEY (coding_id)
);
INSERT INTO "coding" VALUES('9c83b1762499be3a0122f069040a9d3a','queue ''ü'' 0','41e4ad9f2432436a2e5f0996db5f7938','coder ''ü'' 0','code ''ü'' 0','note ''ü'' 0',1767614963652822,0);
INSERT INTO "coding" VALUES('c7bb39e7e54ec4f0b98741408d4051cd','queue ''ü'' 1','1c8f3fcdf081bc06e74b51c39051b42a','coder ''ü'' 1','code ''ü'' 1','note ''ü'' 1',1767615384676019,1);
INSERT INTO "coding" VALUES('64eb75992740937023215cdb18208182','queue ''ü'' 2','cbc62c95c8031312e86deb2c12dbc6ae','coder ''ü'' 2','code ''ü'' 2','note ''ü'' 2',1767614776370687,1);
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
INSERT INTO "control_look" VALUES('d06ab71072e2d5791023d571a47785d5','f6dd29637ba5fafe9f4291f4fa425324','28fee486b5ccf4c9520523b086c0c150','vantage ''ü'' 0',1767615136690953,'failure ''ü'' 0',313,'media_type ''ü'' 0',881,'1c37dd9a164f9faade94dccbe1c38640','redirect ''ü'' 0','6722d02458495b5a4e55b49566002127','["a","b"]');
INSERT INTO "control_look" VALUES('08625dd41f31b2bfd7fd0b7e4c4461f9','5679d887daf0b4b01752224d34ffbaf6','5d47a538c6c0c45a46affb47cc9e209a','vantage ''ü'' 1',1767614432034920,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'["a","b"]');
INSERT INTO "control_look" VALUES('e5734081830ce91c7fd5d60285e6d7c5','24e284b742448f9795f6968ba4ce7a44','93960edb9b31a32cd12804836ffcbc87','vantage ''ü'' 2',1767615374695486,'failure ''ü'' 2',901,'media_type ''ü'' 2',961,'e1e86ba098970e138500f489c2429d83','redirect ''ü'' 2','7a6a18b80e94c99ed456e377a331da50','["a","b"]');
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
INSERT INTO "delivery" VALUES('902f861b8594eb46657ff59fe5862c58','source ''ü'' 0','3db432d36ee9fe5027f6094ed23f250b',1767615265645233,336,433,488);
INSERT INTO "delivery" VALUES('6600e27b012ae1eaa91a46d2047ecc7a','source ''ü'' 1','b30bd33dcb870a4ba0e9d92497b63a64',1767614513811909,208,181,83);
INSERT INTO "delivery" VALUES('06a8bf998b0c165c63303d7821938584','source ''ü'' 2','a57634a3fe5939e5c926fcf087b13ac3',1767614856286526,467,125,895);
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
INSERT INTO "due" VALUES('b13d0d5ba3c914e08a0e8c97d2340d19','9568c97194ba0b7794b1048c090274f1',1767614565966777,791,1767615316355715,'category ''ü'' 0','c6d8ff254aa3ba478538011f4ae396e5',747,1767614867005439,682,'fingerprint ''ü'' 0');
INSERT INTO "due" VALUES('73bc636685e6f26b101e8fbbf2c6eedc','a40e9404b5e0674ae740ec2a2e09cc6b',1767615055971327,233,1767614431622758,'category ''ü'' 1',NULL,NULL,NULL,730,NULL);
INSERT INTO "due" VALUES('6af65b58593acebfa40241db510d6939','816158167079d63acb7bf37851c421d6',1767615198845537,611,1767615036355750,'category ''ü'' 2','bd944d858ef0ce7be426211b041e22fc',86,1767614436149181,166,'fingerprint ''ü'' 2');
CREATE TABLE forgotten (
	entry_id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	forgotten_at BIGINT NOT NULL, 
	PRIMARY KEY (entry_id)
);
INSERT INTO "forgotten" VALUES('8f62bb2ac51607d2879ac7adc2ce2aba','kind ''ü'' 0',1767614659022502);
INSERT INTO "forgotten" VALUES('dd568465bc92a534cd1b9a5458de8fc9','kind ''ü'' 1',1767614452675267);
INSERT INTO "forgotten" VALUES('e88bfa3ed88da40233ef7d63db4308a0','kind ''ü'' 2',1767614990266278);
CREATE TABLE hoster_change (
	change_id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	members TEXT NOT NULL, 
	who TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	"into" TEXT, 
	name TEXT, 
	country TEXT, 
	entity TEXT, 
	since BIGINT, 
	decided_at BIGINT NOT NULL, 
	PRIMARY KEY (change_id)
);
INSERT INTO "hoster_change" VALUES('4f159db4d5275987acc04893405df365','kind ''ü'' 0','key ''ü'' 0','["a","b"]','who ''ü'' 0','reason ''ü'' 0','into ''ü'' 0','name ''ü'' 0','country ''ü'' 0','entity ''ü'' 0',105,1767614596877094);
INSERT INTO "hoster_change" VALUES('d4374ae8bad24991d4739a493d076752','kind ''ü'' 1','key ''ü'' 1','["a","b"]','who ''ü'' 1','reason ''ü'' 1',NULL,NULL,NULL,NULL,NULL,1767615292673450);
INSERT INTO "hoster_change" VALUES('2a6165ed49267639f47e03341fd0e6bb','kind ''ü'' 2','key ''ü'' 2','["a","b"]','who ''ü'' 2','reason ''ü'' 2','into ''ü'' 2','name ''ü'' 2','country ''ü'' 2','entity ''ü'' 2',509,1767615260784653);
CREATE TABLE key_check (
	key_number BIGINT NOT NULL, 
	id_check TEXT NOT NULL, 
	ciphertext BLOB NOT NULL, 
	PRIMARY KEY (key_number)
);
INSERT INTO "key_check" VALUES(298,'id_check ''ü'' 0',X'AA0C49E5A70CFD32EEDE4C7C47568DD86548168152653A01');
INSERT INTO "key_check" VALUES(878,'id_check ''ü'' 1',X'D302B4BD9F1A6781C68BB8745512A4F37F32D920A6EF91C6');
INSERT INTO "key_check" VALUES(981,'id_check ''ü'' 2',X'6C2E3CA2F57BE31B3864A4F332D1CB53EB09FCF158E532B2');
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
INSERT INTO "observation" VALUES('b2f7c52dfd34b52a16c124b482ba2ec9','70c3f49887c968f6e61126f5e907122f','99188ce45f81130b9664a2b955dc0eaa','vantage ''ü'' 0',1767614508382387,1767615338410805,'9dcd0a1a359e1a01513a0da24404c8fc','profile ''ü'' 0','method ''ü'' 0','address ''ü'' 0',301,'phase ''ü'' 0','failure ''ü'' 0',590,'media_type ''ü'' 0',503,'8e36725c1cde934f5c6dc98a41759a93','b72c1f5cd914632db9709fc4797e0e67','server ''ü'' 0','["a","b"]','redirect ''ü'' 0','1a88b1409748d80bf3cbdbfce63ab9c8','e7497beab69edc2e31423b66a1978afb',666,315,'tls_version ''ü'' 0','tls_problem ''ü'' 0','6877342e405053f592dec9c921dabfe8','f12c71e8db31174ed4e05aed5e895530','428a297867f163318d9f99deafa8e12e',195,3.81635739501047763e+05,750237.42461979,'network ''ü'' 0',16,'link_check ''ü'' 0',0,'35ee523b47b10b458f1d32c7f55aa9be','7bc995e02a569c7e1f607e3c38b19ce7',75);
INSERT INTO "observation" VALUES('7a30cc1915f5add6885a8168fea63bd7','50ca000bbd2e4cdf89bff382ecd5ca47','3bfce3ab796f2adc8be7cb077760d94e','vantage ''ü'' 1',1767615098579936,1767615166172743,NULL,'profile ''ü'' 1',NULL,NULL,NULL,'phase ''ü'' 1',NULL,NULL,NULL,NULL,NULL,NULL,NULL,'["a","b"]',NULL,NULL,NULL,429,NULL,NULL,NULL,NULL,NULL,NULL,234,NULL,NULL,'network ''ü'' 1',NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "observation" VALUES('22861f84add9f81b6977e5200dd9fb1c','11bdfc6ee14b3c345c7855337bc580c1','a307691ea4756b2d5124645cb092af85','vantage ''ü'' 2',1767614623825816,1767614799504962,'b3d3758fbe80fb694a8c2b6f9bc5ff89','profile ''ü'' 2','method ''ü'' 2','address ''ü'' 2',201,'phase ''ü'' 2','failure ''ü'' 2',828,'media_type ''ü'' 2',670,'3a13eee87a8159dea483abd445dfd728','c043f84e94ea98bb03c460e2a3f7b71c','server ''ü'' 2','["a","b"]','redirect ''ü'' 2','ee7c0bc035c1372a01bceff9656c6fba','3ad60c8ecd98e4f4b741783cf5c23bc9',843,152,'tls_version ''ü'' 2','tls_problem ''ü'' 2','75943fab025606b222cb28d0c932cfac','4266e080ff6e21f40131a23fe8ee8bc7','dd556e7f866db0067f205da38a1a8a05',724,7.2644491425155336e+05,677624.855164399,'network ''ü'' 2',395,'link_check ''ü'' 2',0,'e158dd5f08ffed086848ec309544b4d9','9b6e2e2f7066ad420646dc306435d465',464);
CREATE TABLE quarantine_decision (
	decision_id TEXT NOT NULL, 
	quarantine_id TEXT NOT NULL, 
	decision TEXT NOT NULL, 
	who TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	decided_at BIGINT NOT NULL, 
	PRIMARY KEY (decision_id)
);
INSERT INTO "quarantine_decision" VALUES('43f5e3ae1380ebe81dee573ce79ce906','6c2e47ed970449a42b3495cdc5f1aa3d','decision ''ü'' 0','who ''ü'' 0','reason ''ü'' 0',1767614737384796);
INSERT INTO "quarantine_decision" VALUES('4dd2ceb4e44aba60003e08d93d8e3c0a','f02014818240fb94922496aff85b3556','decision ''ü'' 1','who ''ü'' 1','reason ''ü'' 1',1767615338953113);
INSERT INTO "quarantine_decision" VALUES('96da86b780ff732b63ed13e0b05b25da','62de229fc56934acb1226ab650ce9f07','decision ''ü'' 2','who ''ü'' 2','reason ''ü'' 2',1767614974112735);
CREATE TABLE registration (
	registration_id TEXT NOT NULL, 
	asked TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	status TEXT NOT NULL, 
	source TEXT NOT NULL, 
	reason TEXT, 
	registry TEXT, 
	first TEXT, 
	last TEXT, 
	handle TEXT, 
	parent_handle TEXT, 
	name TEXT, 
	allocation TEXT, 
	country TEXT, 
	holder TEXT, 
	holder_name TEXT, 
	abuse_id TEXT, 
	etag TEXT, 
	level BIGINT NOT NULL, 
	fetched_at BIGINT NOT NULL, 
	PRIMARY KEY (registration_id)
);
INSERT INTO "registration" VALUES('2181544c7c86c1fb4f25d8483b61381b','asked ''ü'' 0','kind ''ü'' 0','status ''ü'' 0','source ''ü'' 0','reason ''ü'' 0','registry ''ü'' 0','first ''ü'' 0','last ''ü'' 0','handle ''ü'' 0','parent_handle ''ü'' 0','name ''ü'' 0','allocation ''ü'' 0','country ''ü'' 0','holder ''ü'' 0','holder_name ''ü'' 0','a282adeea992eb7fbbe10865b201a792','etag ''ü'' 0',916,1767614637038175);
INSERT INTO "registration" VALUES('f5b2ca9ca615fbecfe1033148e53145a','asked ''ü'' 1','kind ''ü'' 1','status ''ü'' 1','source ''ü'' 1',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,868,1767614520672114);
INSERT INTO "registration" VALUES('2ed5fcee0de549d58cbeb2715441a757','asked ''ü'' 2','kind ''ü'' 2','status ''ü'' 2','source ''ü'' 2','reason ''ü'' 2','registry ''ü'' 2','first ''ü'' 2','last ''ü'' 2','handle ''ü'' 2','parent_handle ''ü'' 2','name ''ü'' 2','allocation ''ü'' 2','country ''ü'' 2','holder ''ü'' 2','holder_name ''ü'' 2','059c0ca7c2fec9360d6e7add7d4ade7c','etag ''ü'' 2',459,1767615159037590);
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
	received_at BIGINT NOT NULL, origin_address TEXT, 
	PRIMARY KEY (report_id)
);
INSERT INTO "report" VALUES('a4ad5be10cf8b10e5ff7d5603233ac5e','5f2cc2d4ffb1da859deb2f4eff52dfd9','source ''ü'' 0','category ''ü'' 0','site_type ''ü'' 0',0,0,1767614982158817,'87e2705c9491392ede6c12145beef15d',1767615387131633,1767614753779582,'origin_address ''ü'' 0');
INSERT INTO "report" VALUES('88044b41e2239e1a709c07c13e15da8d','868aead64b07ff2fec0b8c8d45aad2b3','source ''ü'' 1','category ''ü'' 1',NULL,NULL,NULL,NULL,NULL,NULL,1767615135871205,NULL);
INSERT INTO "report" VALUES('8ef07a28b9ea94036e2b1d638676945f','38ed5f71be55dffe71a9d9d741764785','source ''ü'' 2','category ''ü'' 2','site_type ''ü'' 2',0,1,1767614415682512,'e163985bd4bc9b435403ed855c54631d',1767614705910201,1767614826859949,'origin_address ''ü'' 2');
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
INSERT INTO "resolution" VALUES('8fb0c5e1f9bceb34c95bc32defd3d8e3','43004396d293bee9d27675fcfd8be81f','b20ecb73378b933b55565b39b1c0d216','vantage ''ü'' 0','status ''ü'' 0','["a","b"]','["a","b"]',87,'[22,23]','resolver ''ü'' 0',1767615230881457,'["a","b"]',1767615392479576,'["a","b"]');
INSERT INTO "resolution" VALUES('eacecb90cb699e3c4c6e4b5c1ff9d04c','21cb8c7c342595e11a3f3bd1a130bd7a','c271b0a77ed43437c35af728a69f8ff5','vantage ''ü'' 1','status ''ü'' 1','["a","b"]','["a","b"]',NULL,'[22,23]','resolver ''ü'' 1',1767614746717674,'["a","b"]',NULL,'["a","b"]');
INSERT INTO "resolution" VALUES('f5524abf10e64d4dac03b5601b3a7dde','6acab6753a68d809486f73ad4267b6b3','bffeeadd4870c77f8e7d896ecaa71572','vantage ''ü'' 2','status ''ü'' 2','["a","b"]','["a","b"]',188,'[22,23]','resolver ''ü'' 2',1767614442503926,'["a","b"]',1767614901792742,'["a","b"]');
CREATE TABLE run (
	run_id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	vantage TEXT NOT NULL, 
	started_at BIGINT NOT NULL, 
	version TEXT NOT NULL, 
	config_hash TEXT NOT NULL, 
	PRIMARY KEY (run_id)
);
INSERT INTO "run" VALUES('21ec069c894083a8ede609cd8e84a9b5','kind ''ü'' 0','vantage ''ü'' 0',1767614568170497,'version ''ü'' 0','config_hash ''ü'' 0');
INSERT INTO "run" VALUES('3ef7b12fd89ba75f4e3b34e05dc67aa2','kind ''ü'' 1','vantage ''ü'' 1',1767614850983188,'version ''ü'' 1','config_hash ''ü'' 1');
INSERT INTO "run" VALUES('9a8ae3dfb0796fbed1229cbf72042753','kind ''ü'' 2','vantage ''ü'' 2',1767615221144650,'version ''ü'' 2','config_hash ''ü'' 2');
CREATE TABLE run_end (
	run_id TEXT NOT NULL, 
	finished_at BIGINT NOT NULL, 
	outcome TEXT NOT NULL, 
	done BIGINT NOT NULL, 
	PRIMARY KEY (run_id)
);
INSERT INTO "run_end" VALUES('14d65da27bb4431d50635962b6f072a2',1767614710333991,'outcome ''ü'' 0',105);
INSERT INTO "run_end" VALUES('3b2a993224d1b879fc9222eaefc79835',1767614948129701,'outcome ''ü'' 1',695);
INSERT INTO "run_end" VALUES('6a087a7a97c83c28768e6d75951e4c1e',1767615247969942,'outcome ''ü'' 2',618);
CREATE TABLE sealed (
	entry_id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	ciphertext BLOB NOT NULL, 
	key_number BIGINT NOT NULL, 
	PRIMARY KEY (entry_id)
);
INSERT INTO "sealed" VALUES('7bfdf09936abeae6c0a877541785bc07','kind ''ü'' 0',X'E2A85FBA2C3421226861AA47B90A06EA058499449CB72DA4',802);
INSERT INTO "sealed" VALUES('4b2eb13d805b2a15150c329d1b561009','kind ''ü'' 1',X'9E5BA77E78FF37C61EDFD5FA1E3275368FBE72D99682554F',121);
INSERT INTO "sealed" VALUES('c8a65c151a1e392cad88882e82f991f9','kind ''ü'' 2',X'CEA4C3B733211A3643B0E3EF3B82144C4C61387F58B6BC42',101);
CREATE TABLE snapshot (
	snapshot_id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	family BIGINT NOT NULL, 
	source TEXT NOT NULL, 
	data_date BIGINT NOT NULL, 
	rows BIGINT NOT NULL, 
	checksum TEXT NOT NULL, 
	imported_at BIGINT NOT NULL, form TEXT DEFAULT '' NOT NULL, built_at BIGINT, licence TEXT, 
	PRIMARY KEY (snapshot_id)
);
INSERT INTO "snapshot" VALUES('1daa9e2c8b9f906cb3aec2732dcf5d7b','kind ''ü'' 0',477,'source ''ü'' 0',397,854,'checksum ''ü'' 0',1767615120635088,'form ''ü'' 0',1767615338320196,'licence ''ü'' 0');
INSERT INTO "snapshot" VALUES('750fccb891e32b8ed90581a5ef0e6095','kind ''ü'' 1',230,'source ''ü'' 1',721,835,'checksum ''ü'' 1',1767615145932456,'form ''ü'' 1',NULL,NULL);
INSERT INTO "snapshot" VALUES('a4031ee671cef7546e0c1dc7fc543b3d','kind ''ü'' 2',627,'source ''ü'' 2',868,672,'checksum ''ü'' 2',1767614726710846,'form ''ü'' 2',1767614924318317,'licence ''ü'' 2');
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
INSERT INTO "target" VALUES('5325c9bad85f03ae938f2bef541caf3c','69ca2f9a06ee9677d33fa2d5dd55868c','343488204232608fcde526da3c0d495c','a659ff9b9fd1bbba8512438cb3f3ea5e','85de85c1a5769194d66a6005ebb30763','0e8d028fa01d4a393b7322cad183e7b2','spelling ''ü'' 0','suffix_list ''ü'' 0',1767614790581375);
INSERT INTO "target" VALUES('8c40f2dd9ea6a570fe7c829c47c0920c','7b4db217ee78714d1f13f3746236d8c2','9d97608c5d5e9ebefdc7c5ed4f3bebfd','027345cbc5120658ab6c311eb6a2f1ba','a45063bff0e9cf32a17f5e37748541bf',NULL,'spelling ''ü'' 1','suffix_list ''ü'' 1',1767615018392306);
INSERT INTO "target" VALUES('9fac00620f454b4f5793e9e40177393d','03d3c26871c526cbbca3227207dfc1e8','a95b30187b51e9d8f450a3614cdcce17','3e6a1e00fd48218aec76de4cb2e77519','92832bd30323d42b531685bb60c239f8','1f771dadc5ff08ed02961a37e307f03f','spelling ''ü'' 2','suffix_list ''ü'' 2',1767614422058503);
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
CREATE INDEX ix_registration_asked ON registration (asked);
CREATE INDEX ix_coding_queue_item_id ON coding (queue, item_id);
COMMIT;
